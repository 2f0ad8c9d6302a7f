"""A scene under construction: what the monitors measure, programs say and observers see around one
instant, the onset of the fault. Whoever adds to it says what is seen, never what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

GOOD = timedelta(minutes=90)
BAD = timedelta(minutes=40)
STEP = timedelta(minutes=1)
LOOKS_EVERY = timedelta(minutes=15)
"""How often an observer notes what it watches."""
Value = str | float | bool


def text(at: datetime) -> str:
    """An instant as observers write it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


Values = Mapping[str, Value]
Watched = tuple[str, str, str]
"""(where, kind, name)."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a log; `place` is whose file it stands in."""

    place: str
    level: str
    text: str
    at: datetime
    logger: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation."""

    where: str
    kind: str
    name: str
    values: Values
    at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """One change, as a pipeline or a calendar of changes tells of it."""

    service: str
    what: str
    at: datetime
    by: str
    version: str = ""
    planned: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a right diagnosis names: any one of the places, and the class."""

    fault: str
    where: tuple[str, ...]
    cause_class: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """Through which kinds of evidence a fault can be seen; metrics always move as they do."""

    facts: bool
    logs: bool


@dataclass(slots=True)
class Scene:
    """Grows while the usual day, the decoys and the faults are played into it."""

    random: Random
    since: datetime
    levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    """(where, metric) → (usual level, noise as a share of it)."""
    moves: dict[tuple[str, str], list[tuple[datetime, datetime, float]]] = field(
        default_factory=dict
    )
    watched: dict[Watched, list[tuple[datetime, Values]]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    @property
    def begins(self) -> datetime:
        """The first instant of the good stretch."""
        return self.since - GOOD

    @property
    def ends(self) -> datetime:
        """The last instant of the bad stretch."""
        return self.since + BAD

    def move(self, where: str, metric: str, factor: float, *, at: datetime | None = None,
             until: datetime | None = None) -> None:  # fmt: skip
        """A metric is `factor` times its usual level from `at` (the onset) to `until`."""
        self.moves.setdefault((where, metric), []).append(
            (at or self.since, until or self.ends, factor)
        )

    def watch(self, where: str, kind: str, name: str, *, at: datetime | None = None,
              **values: Value) -> None:  # fmt: skip
        """From `at` on (the beginning) observers see these values of a thing, again and again."""
        self.watched.setdefault((where, kind, name), []).append((at or self.begins, values))

    def see(self, where: str, kind: str, name: str, *, at: datetime, **values: Value) -> None:
        """Something is seen once."""
        self.seen.append(Seen(where, kind, name, values, at))

    def say(self, place: str, level: str, text: str, *, at: datetime, logger: str = "") -> None:
        """A program writes a line."""
        self.said.append(Said(place, level, text, at, logger))

    def say_often(self, place: str, level: str, texts: Sequence[str], *, every_s: float,
                  at: datetime | None = None, until: datetime | None = None,
                  logger: str = "") -> None:  # fmt: skip
        """Lines of that kind, at random intervals around `every_s`."""
        now, end = at or self.since, until or self.ends
        while (now := now + timedelta(seconds=self.random.expovariate(1 / every_s))) < end:
            self.say(place, level, self.filled(self.random.choice(texts)), at=now, logger=logger)

    def filled(self, text: str) -> str:
        """`#` becomes a number and `@` a name of a payment, so that no two lines are alike."""
        while "#" in text:
            text = text.replace("#", str(self.random.randint(1, 9999)), 1)
        return text.replace("@", f"pay_{self.random.getrandbits(40):010x}")

    def change(self, service: str, what: str, *, before: timedelta, by: str, version: str = "",
               planned: bool = False, until: datetime | None = None) -> None:  # fmt: skip
        """Something was changed so long before the onset."""
        self.changes.append(
            Changed(service, what, self.since - before, by, version, planned, until)
        )

    def forget(self, name: str, *, after: datetime | None = None) -> None:
        """What was to be seen and said of a thing from `after` on (ever) does not happen."""
        start = after or self.begins
        self.seen = [one for one in self.seen if one.at < start or name not in one.name]
        self.said = [one for one in self.said if one.at < start or name not in one.text]

    def unwatch(self, where: str, kind: str, name: str) -> None:
        """Nobody observes that thing: what programs say of it stands alone."""
        self.watched.pop((where, kind, name), None)

    def message(self) -> str:
        """The id of some message."""
        return f"m-{self.random.getrandbits(32):08x}"

    def checksum(self) -> str:
        """The checksum of some file."""
        return f"{self.random.getrandbits(32):08x}"

    def told(self) -> Told:
        """Whether observers, programs or both say something of the next fault."""
        return self.random.choice(
            [Told(True, True), Told(True, True), Told(True, False), Told(False, True)]
        )

    def later(self, low_min: float, high_min: float) -> datetime:
        """An instant so many minutes after the onset (before it, if negative)."""
        return self.since + timedelta(minutes=self.random.uniform(low_min, high_min))

    def true(self, fault: str, cause_class: str, *where: str) -> None:
        """Write down what was played."""
        self.truths.append(Truth(fault, where, cause_class, self.since))
