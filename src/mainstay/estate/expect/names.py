"""What each probe measures and what each function takes: whether a condition can ever be answered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mainstay.estate.expect.parse import BadCondition
from mainstay.estate.expect.tree import (
    Call,
    Compared,
    Expectation,
    Literal_,
    Name,
    Node,
    Sum,
    Unit,
    each,
)
from mainstay.foundation.nearest import hint

_Measures = Mapping[str, Unit | None]
_LINE: _Measures = {"latency": "time", "banner": None, "tls_version": None}
_CERT: _Measures = {"cert_days": None, "cert_issuer": None, "cert_name": None}
_RUN: _Measures = {
    "exit": None, "output": None, "perf": None, "value": None, "duration": "time", "values": None,
}  # fmt: skip

MEASURES: Mapping[str, _Measures] = MappingProxyType(
    {
        "http": {
            "status": None, "latency": "time", "connect": "time", "handshake": "time",
            "first_byte": "time", "size": "size", "body": None, "redirects": None,
            "tls_version": None, "steps_done": None, **_CERT,
        },
        "tcp": _LINE,
        "tls": {**_LINE, **_CERT},
        "dns": {"latency": "time", "answers": None, "count": None, "ttl": "time", "code": None},
        "domain": {
            "days": None, "registrar": None, "statuses": None, "via": None, "latency": "time",
        },
        "ping": {"latency": "time", "loss": "share", "received": None},
        "smtp": {**_LINE, **_CERT},
        "imap": {**_LINE, **_CERT},
        "ssh": _RUN,
        "sql": {"value": None, "rows": None, "latency": "time", "row": None},
        "redis": {
            "value": None, "latency": "time", "role": None, "used_memory": "size",
            "connected_clients": None, "replication_lag": "time", "keys": None,
        },
        "rabbitmq": {
            "depth": None, "ready": None, "unacknowledged": None, "consumers": None,
            "oldest": "time", "alarms": None, "latency": "time",
        },
        "kafka": {"lag": None, "worst": None, "partitions": None, "latency": "time"},
        "file": {
            "exists": None, "count": None, "age": "time", "size": "size", "stable": "time",
            "sha256": None, "oldest": "time",
        },
        "process": {"count": None, "age": "time", "memory": "size", "cpu_time": "time"},
        "metric": {"value": None},
        "certificate": {**_CERT, "count": None},
        "log": {"found": None, "lines": None, "last": None},
        "prometheus": {"value": None, "samples": None, "latency": "time"},
        "plugin": _RUN,
        "script": _RUN,
        "heartbeat": {
            "age": "time", "duration": "time", "size": "size", "exit": None, "value": None,
            "output": None,
        },
    }
)  # fmt: skip
"""Probe → the names that its conditions may use, and what kind of number each is."""
ALWAYS: _Measures = {"reached": None}
"""Of every probe: whether there was an answer at all."""
OPEN = frozenset({"plugin", "script", "ssh", "heartbeat"})
"""What these say is theirs to name: figures that we do not know stand under `perf` and `values`."""

FUNCTIONS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "median": (1, 2), "mean": (1, 2), "lowest": (1, 2), "highest": (1, 2), "usual": (1, 2),
        "change": (1, 1), "rate": (1, 1), "days_to": (1, 2), "len": (1, 1), "has": (1, 1),
        "lower": (1, 1), "number": (1, 1), "abs": (1, 1), "json": (1, 1), "header": (1, 1),
        "perf": (1, 1),
    }
)  # fmt: skip
"""Function → how many arguments it takes, at least and at most."""
OF_THE_PAST = frozenset({"median", "mean", "lowest", "highest", "usual", "change", "rate"})
"""These look at a measured value's earlier ones: their first argument is a name."""
_KIND = {"time": "a time", "size": "a size", "share": "a share"}
_LIKE = {"time": "500ms or 2s", "size": "10kB or 2GiB", "share": "85%"}


def lead(expectation: Expectation) -> str | None:
    """The first measured value that it looks at: what a chart of the check shows."""
    return next((one.name for one in each(expectation.tree) if isinstance(one, Name)), None)


def needs_past(expectation: Expectation) -> bool:
    """Whether it looks at earlier results."""
    past = OF_THE_PAST | {"days_to"}
    return any(isinstance(one, Call) and one.function in past for one in each(expectation.tree))


def check_names(expectation: Expectation, probe: str) -> None:
    """BadCondition if it asks for what `probe` does not measure, or compares unlike things."""
    known = {**MEASURES[probe], **ALWAYS}
    for node in each(expectation.tree):
        match node:
            case Name() if node.name not in known:
                near = hint(node.name, known) or f"; it has {', '.join(known)}"
                raise BadCondition(
                    f"no value {node.name!r} of {article(probe)} check{near}", node.at
                )
            case Call():
                _check_call(node)
            case Compared():
                _check_units(node, known)
            case _:
                pass


def article(probe: str) -> str:
    """`a tcp`, `an http`."""
    spoken_with_a_vowel = probe[0] in "aeiou" or probe in ("http", "ssh", "smtp", "sql")
    return f"an {probe}" if spoken_with_a_vowel else f"a {probe}"


def _check_call(call: Call) -> None:
    if call.function not in FUNCTIONS:
        near = hint(call.function, FUNCTIONS) or f"; there is {', '.join(FUNCTIONS)}"
        raise BadCondition(f"no function {call.function!r}{near}", call.at)
    least, most = FUNCTIONS[call.function]
    if not least <= len(call.arguments) <= most:
        wanted = str(least) if least == most else f"{least} or {most}"
        raise BadCondition(
            f"{call.function} takes {wanted} arguments, got {len(call.arguments)}", call.at
        )
    if call.function in OF_THE_PAST and not isinstance(call.arguments[0], Name):
        raise BadCondition(f"{call.function} is of a measured value", call.arguments[0].at)
    if call.function in ("json", "header", "perf"):
        first = call.arguments[0]
        if not isinstance(first, Literal_) or not isinstance(first.value, str):
            raise BadCondition(f"{call.function} takes a text in quotes", first.at)


def _check_units(compared: Compared, known: _Measures) -> None:
    left, right = _unit(compared.left, known), _unit(compared.right, known)
    if left and right and left != right:
        words = f"{_KIND[left]} is compared with {_KIND[right]}"
        raise BadCondition(words, compared.at)
    for side, other in ((compared.left, right), (compared.right, left)):
        bare = isinstance(side, Literal_) and type(side.value) is float and side.unit is None
        if bare and other == "time" and side.value:  # type: ignore[union-attr]
            raise BadCondition(f"a time needs a unit; write {_LIKE['time']}", side.at)


def _unit(node: Node, known: _Measures) -> Unit | None:
    """What kind of number it is; None: a plain one, or nobody knows."""
    match node:
        case Literal_():
            return node.unit
        case Name():
            return None if node.path else known.get(node.name)
        case Call() if node.function in OF_THE_PAST - {"rate"}:
            return _unit(node.arguments[0], known)
        case Sum("+" | "-"):
            return _unit(node.left, known) or _unit(node.right, known)
        case Sum("*"):
            sides = [one for one in (_unit(node.left, known), _unit(node.right, known)) if one]
            return sides[0] if len(sides) == 1 else None
        case _:
            return None
