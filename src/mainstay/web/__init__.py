"""What every door over HTTP shares: bodies under limits, answers, and the call of whoever asks."""

from __future__ import annotations

from mainstay.web.answers import (
    JSON,
    PROBLEM,
    SAFE,
    Answered,
    Pieces,
    answer,
    full_disk,
    more_headers,
    outcome,
    problem,
    send_reply,
    status_of,
)
from mainstay.web.bodies import MEMBERS_MAX, read_body
from mainstay.web.call import Call, note_refused_read, require, require_every_team
from mainstay.web.finding import find_item
from mainstay.web.origins import address_of, own_origins
from mainstay.web.parts import Header, Part, Receive, Respond, Scope, Send
from mainstay.web.planning import Plan, plan
from mainstay.web.proving import prove, send_code
from mainstay.web.trying import Tried, note_tried, send_test, to_try

__all__ = [
    "JSON",
    "MEMBERS_MAX",
    "PROBLEM",
    "SAFE",
    "Answered",
    "Call",
    "Header",
    "Part",
    "Pieces",
    "Plan",
    "Receive",
    "Respond",
    "Scope",
    "Send",
    "Tried",
    "address_of",
    "answer",
    "find_item",
    "full_disk",
    "more_headers",
    "note_refused_read",
    "note_tried",
    "outcome",
    "own_origins",
    "plan",
    "problem",
    "prove",
    "read_body",
    "require",
    "require_every_team",
    "send_code",
    "send_reply",
    "send_test",
    "status_of",
    "to_try",
]
