"""People: what they may do, how they prove who they are, and where they can be reached.

Who exists is the estate's; addresses, rules and tokens are acts, kept here.
"""

from __future__ import annotations

from mainstay.people.contacts import (
    Contact,
    Removed,
    Urgency,
    add_address,
    add_rule,
    masked,
    plan_for,
    remove_address,
    remove_rule,
)
from mainstay.people.grants import (
    ADMIN,
    check_grant,
    end_grant,
    grant,
    held,
    held_as,
    holders,
    roles_of,
)
from mainstay.people.roles import (
    EVERY_TEAM,
    MAINSTAY,
    PERMISSIONS,
    ROLES,
    Actor,
    Grant,
    allowed,
    person,
    require,
    who_may,
)
from mainstay.people.store import (
    Address,
    Held,
    Rule,
    Token,
    address,
    addresses,
    rule,
    rules,
    tokens_of,
)
from mainstay.people.tokens import (
    NewToken,
    create_token,
    is_stale,
    revoke_token,
    touch_token,
    verify_token,
)

__all__ = [
    "ADMIN",
    "EVERY_TEAM",
    "MAINSTAY",
    "PERMISSIONS",
    "ROLES",
    "Actor",
    "Address",
    "Contact",
    "Grant",
    "Held",
    "NewToken",
    "Removed",
    "Rule",
    "Token",
    "Urgency",
    "add_address",
    "add_rule",
    "address",
    "addresses",
    "allowed",
    "check_grant",
    "create_token",
    "end_grant",
    "grant",
    "held",
    "held_as",
    "holders",
    "is_stale",
    "masked",
    "person",
    "plan_for",
    "remove_address",
    "remove_rule",
    "require",
    "revoke_token",
    "roles_of",
    "rule",
    "rules",
    "tokens_of",
    "touch_token",
    "verify_token",
    "who_may",
]
