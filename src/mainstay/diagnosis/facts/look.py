"""Observations before and during the incident, by thing, for rules to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind, Value
from mainstay.diagnosis.material import Material

OBSERVED = 0.92
"""What was seen itself, as it was not before."""
USUAL = 0.05
"""What was so before the incident as well is odd, and ruled out as its cause."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Look:
    """Facts in order of time. A fact without a time is taken for one of the incident."""

    material: Material
    facts: Sequence[Fact]
    since: datetime
    _kinds: dict[FactKind, list[Fact]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in sorted(self.facts, key=lambda fact: fact.at or self.since):
            self._kinds.setdefault(one.kind, []).append(one)

    def all(self, kind: FactKind) -> Sequence[Fact]:
        """Every fact of a kind, the oldest first."""
        return self._kinds.get(kind, ())

    def during(self, kind: FactKind) -> list[Fact]:
        """Those seen since it began."""
        return [one for one in self.all(kind) if (one.at or self.since) >= self.since]

    def pairs(self, kind: FactKind) -> Iterator[tuple[Fact, Fact | None]]:
        """(as it was last seen, as it was last seen before the incident) of each thing."""
        now: dict[tuple[str, str], Fact] = {}
        was: dict[tuple[str, str], Fact] = {}
        for one in self.all(kind):
            (now if (one.at or self.since) >= self.since else was)[one.where, one.name] = one
        for key, one in sorted(now.items()):
            yield one, was.get(key)

    def first(self, like: Fact, key: str, value: object) -> datetime | None:
        """When the thing first had that value."""
        return next((one.at for one in self.all(like.kind) if one.where == like.where
                     and one.name == like.name and one.values.get(key) == value), like.at)  # fmt: skip

    def began(self, like: Fact, holds: Callable[[Fact], bool]) -> datetime | None:
        """Since when that has held of the thing without a break, as far as it was looked at."""
        began: datetime | None = None
        for one in self.all(like.kind):
            if (one.where, one.name) == (like.where, like.name):
                began = (began or one.at) if holds(one) else None
        return began

    @property
    def names(self) -> frozenset[str]:
        """Every service and vendor that calls or is called, or says how it is."""
        called = {name for pair in self.material.calls for name in pair}
        return frozenset(called | {one.where for one in self.all(FactKind.VENDOR)})

    @property
    def vendors(self) -> frozenset[str]:
        """The third parties."""
        return frozenset(one.where for one in self.all(FactKind.VENDOR))


def figure(fact: Fact | None, key: str, default: float = 0.0) -> float:
    """A number of a fact; the default where it has none, or something else."""
    value = fact.values.get(key) if fact else None
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
    )


def word(fact: Fact | None, key: str) -> str:
    """A text of a fact, "" where it has none."""
    value: Value | None = fact.values.get(key) if fact else None
    return value if isinstance(value, str) else ""


def time(fact: Fact | None, key: str) -> datetime | None:
    """An instant of a fact; None where it has none, or no lawful one."""
    try:
        at = datetime.fromisoformat(word(fact, key))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def short(name: str) -> str:
    """`ledger` for `ledger.alpenpay.example:443`."""
    return name.partition(":")[0].partition(".")[0]


def seen(fact: Fact, sentence: str) -> Evidence:
    """A sentence about a fact, with the place where it can be seen again."""
    return Evidence(sentence, fact.source or f"{fact.kind.value} {fact.name} of {fact.where}")


def hypothesis(
    fact: Fact, kind: str, cause_class: CauseClass, sentence: str, *,
    says: str, confirm: str, score: float = OBSERVED, where: str = "", detail: str = "",
    since: datetime | None = None, more: Sequence[Evidence] = (), against: Sequence[Evidence] = (),
) -> Hypothesis:  # fmt: skip
    """A hypothesis that rests on a fact."""
    return Hypothesis(
        where or fact.where, kind, sentence, cause_class, score, (seen(fact, says), *more),
        tuple(against), confirm, since or fact.at, detail or fact.name,
    )  # fmt: skip
