"""Label sets in the manner of Prometheus, as Alertmanager's doors receive them."""

from __future__ import annotations

from mainstay.estate import Severity, Source
from mainstay.foundation.errors import Invalid
from mainstay.signals.body import KEYS_MAX, step
from mainstay.signals.item import one_line, severity_of
from mainstay.signals.times import ZERO_US, instant_us

_SUMMARIES = ("summary", "title", "description", "message")
_NOT_TELLING = frozenset(("alertname", "severity"))
_OFFSET, _PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


class LabelReader:
    """Checks what one request holds. It remembers names, times and severities: most repeat.

    Pointers are relative to the item; the caller puts the item's own in front.
    """

    __slots__ = ("_instants", "_may_hold_nul", "_names", "_severities", "source")

    def __init__(self, body: bytes, source: Source) -> None:
        self.source = source
        self._names: set[str] = set()
        self._instants: dict[str, int] = {}
        self._severities: dict[str | None, Severity] = {}
        # JSON has one way to write NUL; where it is absent, no text needs to be searched.
        self._may_hold_nul = b"\\u0000" in body

    def labels(self, found: dict[str, str]) -> dict[str, str]:
        """The labels without empty ones. Invalid unless one is left and every name is allowed."""
        if "" in found.values():
            found = {name: value for name, value in found.items() if value}
        if not found:
            raise Invalid("An alert needs at least one label that is not empty.", pointer="/labels")
        return self.texts(found, "/labels")

    def texts(self, found: dict[str, str], at: str) -> dict[str, str]:
        """`found` itself, its names and values checked."""
        if not self._names.issuperset(found):
            self._check_names(found, at)
        if self._may_hold_nul:
            for name in found:
                self.text(found[name], f"{at}/{name}")
        return found

    def text(self, value: str, at: str) -> str:
        """`value` itself. Invalid if it holds what no database takes."""
        if self._may_hold_nul and "\0" in value:
            raise Invalid("A text holds a NUL character (\\u0000); leave it out.", pointer=at)
        return value

    def instant(self, text: str, at: str) -> int | None:
        """Microseconds since 1970; None for an empty or zero time. Invalid if it is no time."""
        us = self._instants.get(text)
        if us is None:
            us = instant_us(text) if text else ZERO_US
            if us is None:
                raise Invalid(
                    "A time is not RFC 3339; expected such as 2026-11-22T05:40:08Z.", pointer=at
                )
            self._instants[text] = us
        return us if us > ZERO_US else None

    def severity(self, word: str | None) -> Severity:
        """As `severity_of`."""
        found = self._severities.get(word)
        if found is None:
            found = self._severities[word] = severity_of(word, self.source)
        return found

    def _check_names(self, found: dict[str, str], at: str) -> None:
        for name in found:
            # The same names as [a-zA-Z_][a-zA-Z0-9_]*, several times as fast.
            if not (name.isascii() and name.isidentifier()):
                raise Invalid(
                    f'"{step(name)}" is not a label name; use letters, digits and "_", '
                    "and begin with a letter.",
                    pointer=f"{at}/{step(name)}",
                )
            self._names.add(name)
        if len(found) > KEYS_MAX:
            raise Invalid(f"There are {len(found):,} names; at most {KEYS_MAX:,}.", pointer=at)


def summary_of(labels: dict[str, str], annotations: dict[str, str]) -> str:
    """One line for a person: an annotation that says it, else the alert's name and its labels."""
    for name in _SUMMARIES:
        if name in annotations and (line := one_line(annotations[name])):
            return line
    rest = ", ".join([f"{k}={v}" for k, v in labels.items() if k not in _NOT_TELLING])
    alert = labels.get("alertname") or ""
    return one_line(f"{alert} ({rest})" if alert and rest else alert or rest or "severity only")


def fingerprint(labels: dict[str, str]) -> str:
    """Alertmanager's own name for a label set: 64-bit FNV-1a, 16 hex digits.

    (prometheus/common, model.LabelSet.Fingerprint: every name and value, in the order of names,
    each followed by the byte 0xFF.) About 0.15 µs a byte, so it is made when shown and not on the
    way in; alerts are told apart by `item.identity`.
    """
    data = b"".join([part.encode() + b"\xff" for pair in sorted(labels.items()) for part in pair])
    value = _OFFSET
    for byte in data:
        value = (value ^ byte) * _PRIME & _64_BITS
    return f"{value:016x}"
