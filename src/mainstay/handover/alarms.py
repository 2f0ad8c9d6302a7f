"""What is to be paged for because people did not do it, as a value; the corridor makes a signal of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

REPEAT = timedelta(minutes=20)
"""How often an alarm is told again while it lasts: what is no longer told of expires in an hour."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`duty` stands for the service; `key` is the same until it is `over`."""

    duty: str
    key: str
    summary: str
    over: bool = False
