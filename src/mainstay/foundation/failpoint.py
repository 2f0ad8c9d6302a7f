"""Fail-points: moments of the corridor at which a proof makes this process die, fail or wait.

    MAINSTAY_FAILPOINT=send.answered:kill       die there at once, as by kill -9
                       settle.written:raise@3   the third time that it is passed: an error of ours
                       accept.committed:sleep=2 stand still for two seconds, every time

Off, which is always but in a proof, passing a moment calls a function that does nothing. A proof
goes through every `Moment`, so a new one is killed at without another line anywhere.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
from collections.abc import Callable
from enum import StrEnum

from mainstay.foundation.errors import Impossible, Invalid
from mainstay.foundation.nearest import hint

VARIABLE = "MAINSTAY_FAILPOINT"
_ORDER = re.compile(r"([\w.]+):(?:(kill|raise)|sleep=(\d+(?:\.\d+)?))(?:@(\d+))?")


class Moment(StrEnum):
    """Where a process can die. `written`: in the transaction; `committed`: right after it."""

    ACCEPT_READ = "accept.read"
    ACCEPT_WRITTEN = "accept.written"
    ACCEPT_COMMITTED = "accept.committed"
    SETTLE_TAKEN = "settle.taken"
    SETTLE_WRITTEN = "settle.written"
    SETTLE_COMMITTED = "settle.committed"
    STEP_CLAIMED = "step.claimed"
    STEP_WRITTEN = "step.written"
    STEP_COMMITTED = "step.committed"
    SEND_CLAIMED = "send.claimed"
    SEND_WRITTEN = "send.written"
    SEND_COMMITTED = "send.committed"
    """The attempt is durable, and nothing is connected yet."""
    SEND_CONNECTED = "send.connected"
    """There is a connection, and nothing has been sent."""
    SEND_ANSWERED = "send.answered"
    """The other side has answered, and nothing of it is written."""
    ANSWER_WRITTEN = "answer.written"
    ANSWER_COMMITTED = "answer.committed"
    TIME_WRITTEN = "time.written"
    TIME_COMMITTED = "time.committed"
    ACT_WRITTEN = "act.written"
    ACT_COMMITTED = "act.committed"


Passing = Callable[[Moment], None]
"""Called at each moment."""


def never(moment: Moment) -> None:
    """What is called when no fail-point is set."""


def passing(order: str | None) -> Passing:
    """What `MAINSTAY_FAILPOINT` asks for; Invalid says what can be asked."""
    if not order:
        return never
    found = _ORDER.fullmatch(order)
    if found is None:
        raise Invalid(f"{VARIABLE}={order!r} is not moment:kill, :raise or :sleep=SECONDS, and @N.")
    name, deed, pause_s, nth = found.groups()
    if name not in {*Moment}:
        known = [moment.value for moment in Moment]
        words = f"{VARIABLE} names {name!r}{hint(name, known)}; there are {', '.join(known)}."
        raise Invalid(words)
    return _armed(Moment(name), deed, float(pause_s or 0), int(nth or 0))


def _armed(at: Moment, deed: str | None, pause_s: float, nth: int) -> Passing:
    passed = itertools.count(1)

    def pass_by(moment: Moment) -> None:
        if moment is not at or (nth and next(passed) != nth):
            return
        match deed:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise Impossible(f"The fail-point {at} was set to raise.")
            case _:
                threading.Event().wait(pause_s)

    return pass_by
