"""Machines: file systems, clocks, memory, and who takes the processor."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.facts.look import OBSERVED, USUAL, Look, figure, hypothesis, word
from mainstay.diagnosis.series.change import values

FULL = 0.98
CLOCK_OFF_S = 1.0
"""Tokens, logs and orderings begin to break at about a second."""
HEAP_FULL = 0.95
GREEDY = 0.6
"""Of a machine's processor, by a process that belongs to no service here."""
STOLEN = 10.0
"""Per cent of a virtual machine's time that its host gave to others."""
STEAL_RISE = 4.0


def full_file_systems(look: Look) -> Iterator[Hypothesis]:
    """No room or no inodes, where there was some; read-only images are always full."""
    for one, was in look.pairs(FactKind.FILESYSTEM):
        if one.values.get("read_only") is True:
            continue
        for key, what in (("used_share", "room"), ("inodes_used_share", "inodes")):
            now, then = figure(one, key), figure(was, key)
            if now < FULL:
                continue
            rose = was is None or then < FULL
            yield hypothesis(
                one, "full-file-system", CauseClass.SYSTEM,
                f"{one.name} of {one.where} has no {what} left.", detail=f"{one.where}:{one.name}",
                says=f"{now:.0%} of its {what} is used; {then:.0%} before." if was else f"{now:.0%} of its {what} is used.",
                since=look.first(one, key, one.values[key]), score=OBSERVED if rose else USUAL,
                confirm=f"df{' -i' if what == 'inodes' else ''} {one.name} on {one.where}; then what grew there.",
                against=() if rose else (Evidence("It was as full before the incident."),),
            )  # fmt: skip


def drifting_clocks(look: Look) -> Iterator[Hypothesis]:
    """A clock that is off by more than others can bear."""
    for one, was in look.pairs(FactKind.CLOCK):
        off, before = figure(one, "offset_s"), figure(was, "offset_s")
        if abs(off) < CLOCK_OFF_S:
            continue
        rose = abs(off) > 2 * abs(before)
        yield hypothesis(
            one, "clock-drift", CauseClass.SYSTEM,
            f"The clock of {one.where} is {abs(off):.1f} s {'ahead' if off > 0 else 'behind'}.", detail=one.where,
            says=f"It is off by {off:+.3f} s; {before:+.3f} s before.", score=OBSERVED if rose else USUAL,
            since=next((f.at for f in look.all(FactKind.CLOCK) if f.where == one.where and abs(figure(f, "offset_s")) >= CLOCK_OFF_S), one.at),
            confirm=f"chronyc tracking on {one.where}, beside another machine.",
        )  # fmt: skip


def full_heaps(look: Look) -> Iterator[Hypothesis]:
    """A heap without room, or a process that the kernel killed for memory."""
    for one, was in look.pairs(FactKind.POOL):
        share, before = _share(one), _share(was)
        if is_heap(one) and share >= HEAP_FULL and before < HEAP_FULL:
            yield hypothesis(
                one, "heap-exhausted", CauseClass.SYSTEM, f"{one.where} has used up its {one.name}.", detail=one.where,
                says=f"{share:.1%} of it is in use; {before:.0%} before.",
                since=look.began(one, lambda f: _share(f) >= HEAP_FULL),
                confirm=f"A heap histogram of {one.where}; its collector's log.",
            )  # fmt: skip
    for one in look.during(FactKind.KERNEL):
        if "out of memory" in word(one, "message").lower():
            yield hypothesis(
                one, "heap-exhausted", CauseClass.SYSTEM, f"The kernel of {one.where} killed a process for memory.",
                says=word(one, "message")[:160], score=0.85, detail=one.where,
                confirm=f"dmesg on {one.where}; what was using its memory.",
            )  # fmt: skip


def noisy_neighbours(look: Look) -> Iterator[Hypothesis]:
    """Something that belongs to no service here takes the machine."""
    for one, was in look.pairs(FactKind.PROCESS):
        share, before = figure(one, "cpu_share"), figure(was, "cpu_share")
        if "belongs_to" in one.values or share < GREEDY:
            continue
        here = sorted(
            {word(f, "belongs_to") for f in look.all(FactKind.PROCESS) if f.where == one.where}
            - {""}
        )
        rose = before < share / 2
        yield hypothesis(
            one, "noisy-neighbour", CauseClass.CAPACITY,
            f"{one.name} takes {share:.0%} of {one.where}, which {_and(here)} {'needs' if len(here) == 1 else 'need'}.",
            says=f"It belongs to no service, and uses {share:.0%} of the processor; {before:.0%} before.",
            score=OBSERVED if rose else USUAL, detail=one.where,
            since=look.began(one, lambda f: figure(f, "cpu_share") >= GREEDY),
            confirm=f"top on {one.where}; who started {one.name}, and can it wait?",
        )  # fmt: skip
    yield from _stolen(look)


def _stolen(look: Look) -> Iterator[Hypothesis]:
    for one in look.material.series:
        quiet, now = values(one.before) or values(one.usual), values(one.during)
        if "steal" not in one.name or not quiet or not now:
            continue
        was, is_ = median(quiet), median(now)
        if is_ >= STOLEN and is_ >= STEAL_RISE * was:
            yield Hypothesis(
                one.where, "noisy-neighbour", f"{one.where} does not get its processor: its host gives it to others.",
                CauseClass.CAPACITY, OBSERVED,
                (Evidence(f"{one.name} went from {was:.1f} to {is_:.1f} per cent.", f"{one.name} of {one.where}"),),
                confirm=f"Ask who runs the host of {one.where} what else is on it.", since=look.since, detail=one.where,
            )  # fmt: skip


def is_heap(one: Fact) -> bool:
    """Whether a pool is a program's memory."""
    return "heap" in one.name.lower()


def _share(one: Fact | None) -> float:
    return figure(one, "in_use") / max(1.0, figure(one, "size", 1.0))


def _and(names: list[str]) -> str:
    return " and ".join(names) or "others"
