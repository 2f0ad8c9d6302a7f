"""Checks: what must be so in production, measured, judged, remembered.

    look       a due check is claimed; its probe measures          (`probes`, one file each)
    judge      the conditions of `expect`, as of now and the past  → a Result
    take       soft or hard, flapping, depends on what fails       → its Standing, and what to tell

`states` and `history` answer how things stand; `run_now` asks for looks; `take` is also how a
heartbeat hands its results in. What is to be told goes to the corridor as a signal like any other.
"""

from mainstay.checks import past
from mainstay.checks.judging import result_of
from mainstay.checks.looking import (
    LOOK_DUE,
    PURGE_ROWS,
    Taken,
    Telling,
    asks,
    lay_aside,
    plan,
    purge,
    run_now,
    sweep,
    take,
)
from mainstay.checks.past import By, Slot
from mainstay.checks.result import Ask, Measured, Result, Standing, State, Value, Verdict
from mainstay.checks.sheet import Sheet, Sheets, Watched
from mainstay.checks.states import Remembered, history, states

__all__ = [
    "LOOK_DUE",
    "PURGE_ROWS",
    "Ask",
    "By",
    "Measured",
    "Remembered",
    "Result",
    "Sheet",
    "Sheets",
    "Slot",
    "Standing",
    "State",
    "Taken",
    "Telling",
    "Value",
    "Verdict",
    "Watched",
    "asks",
    "history",
    "lay_aside",
    "past",
    "plan",
    "purge",
    "result_of",
    "run_now",
    "states",
    "sweep",
    "take",
]
