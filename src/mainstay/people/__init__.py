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
from mainstay.people.roles import (
    MAINSTAY,
    OPERATOR,
    PERMISSIONS,
    ROLES,
    Actor,
    allowed,
    require,
    who_may,
)
from mainstay.people.store import Address, Rule, Token, address, addresses, rules, tokens_of
from mainstay.people.tokens import (
    NewToken,
    create_token,
    is_stale,
    revoke_token,
    touch_token,
    verify_token,
)

__all__ = [
    "MAINSTAY",
    "OPERATOR",
    "PERMISSIONS",
    "ROLES",
    "Actor",
    "Address",
    "Contact",
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
    "create_token",
    "is_stale",
    "masked",
    "plan_for",
    "remove_address",
    "remove_rule",
    "require",
    "revoke_token",
    "rules",
    "tokens_of",
    "touch_token",
    "verify_token",
    "who_may",
]
