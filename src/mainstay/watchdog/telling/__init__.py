"""When a finding is told, in which words, and by which of several watchdogs."""

from mainstay.watchdog.telling.claims import Claims
from mainstay.watchdog.telling.messages import (
    LINES_MAX,
    Decision,
    Message,
    Told,
    decide,
    wanted,
)

__all__ = ["LINES_MAX", "Claims", "Decision", "Message", "Told", "decide", "wanted"]
