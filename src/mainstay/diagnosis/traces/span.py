"""One call out of a trace, and one line out of a log, as a diagnosis needs them."""

from __future__ import annotations

import re

import msgspec

_POD = re.compile(r"-[a-z0-9]{6,10}-[a-z0-9]{5}$|-[a-z0-9]{6,10}-[a-z0-9]{4,5}$")


class Call(msgspec.Struct, frozen=True, gc=False):
    """A span: who did what for whom, how long. `parent` is "" at the root."""

    trace: str
    span: str
    parent: str
    where: str
    operation: str
    start_s: float
    duration_s: float
    failed: bool = False


class Line(msgspec.Struct, frozen=True, gc=False):
    """A log statement. `severity` in capitals, "" if unknown; `trace` and `span` where it says so."""

    where: str
    text: str
    at_s: float
    severity: str = ""
    trace: str = ""
    span: str = ""
    origin: str = ""
    """Whose file it stands in, where that is known beside the name that it gives itself."""


def workload_of(pod: str) -> str:
    """`cartservice` for `cartservice-79b49f5555-h95zb`; anything else stays as it is."""
    return _POD.sub("", pod)
