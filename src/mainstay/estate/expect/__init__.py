"""The language of `expect`: `latency < 500ms`, `size > 0.8 * median(size, 14)`, `value < 9 on month-end`.

`parse` reads a condition once, `check_names` says whether it fits what a probe measures, `judge`
asks it of measured values. Pure: what is remembered of the past is handed in.
"""

from mainstay.estate.expect.judge import Held, NoPast, Past, Value, judge
from mainstay.estate.expect.names import MEASURES, check_names, lead, needs_past
from mainstay.estate.expect.parse import BadCondition, parse
from mainstay.estate.expect.tree import Expectation, Period

__all__ = [
    "MEASURES",
    "BadCondition",
    "Expectation",
    "Held",
    "NoPast",
    "Past",
    "Period",
    "Value",
    "check_names",
    "judge",
    "lead",
    "needs_past",
    "parse",
]
