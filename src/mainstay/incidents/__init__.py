"""Incidents: what people work on, from the first alert until it is closed."""

from mainstay.incidents.acts import (
    acknowledge,
    assign,
    close,
    move,
    move_acks,
    reopen,
    resolve,
    unacknowledge,
)
from mainstay.incidents.attach import ACK_DUE, CLOSE_DUE, Attached, Board, Rules, attach, join
from mainstay.incidents.incident import HOLDS, MOVES, PRIORITIES, Incident, State
from mainstay.incidents.store import by_name, by_number, count_open, every_open, get, page, services

__all__ = [
    "ACK_DUE",
    "CLOSE_DUE",
    "HOLDS",
    "MOVES",
    "PRIORITIES",
    "Attached",
    "Board",
    "Incident",
    "Rules",
    "State",
    "acknowledge",
    "assign",
    "attach",
    "by_name",
    "by_number",
    "close",
    "count_open",
    "every_open",
    "get",
    "join",
    "move",
    "move_acks",
    "page",
    "reopen",
    "resolve",
    "services",
    "unacknowledge",
]
