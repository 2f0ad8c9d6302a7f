"""A database without connections left, a disk that fails, a machine that started again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mainstay.diagnosis.cause import CauseClass, Hypothesis
from mainstay.diagnosis.facts.fact import FactKind
from mainstay.diagnosis.facts.look import (
    OBSERVED,
    USUAL,
    Look,
    figure,
    hypothesis,
    seen,
    time,
    word,
)

NEARLY = 0.95
"""So much of the connections is as good as all: a few are kept for the superuser."""
_DISK = re.compile(
    r"I/O error|EXT4-fs error|XFS.*(?:error|shutdown)|remounting filesystem read-only|blk_update_request"
    r"|machine check|hardware error",
    re.I,
)


def used_up_connections(look: Look) -> Iterator[Hypothesis]:
    """A database takes no more connections; who holds most of them is said."""
    for one, was in look.pairs(FactKind.POOL):
        size, in_use = figure(one, "size"), figure(one, "in_use")
        is_full = one.values.get("full") is True or (bool(size) and in_use >= NEARLY * size)
        if one.name != "connections" or not is_full:
            continue
        users = [
            other for other, _ in look.pairs(FactKind.POOL)
            if other.where == one.where and other.name.startswith("connections of ")
        ]  # fmt: skip
        most = max(users, key=lambda other: figure(other, "in_use"), default=None)
        rose = was is None or figure(was, "in_use") < NEARLY * size
        idle = figure(one, "idle_in_transaction")
        says = f"{in_use:.0f} of {size:.0f} are in use, {idle:.0f} of them idle in a transaction."
        yield hypothesis(
            one, "database-connections-exhausted", CauseClass.CAPACITY,
            f"{one.where} takes no more connections.", detail=one.where,
            says=says if size else "It refused a connection for that reason.",
            more=[seen(most, f"{figure(most, 'in_use'):.0f} are {most.name}.")] if most else [],
            score=OBSERVED if rose else USUAL,
            confirm=f"pg_stat_activity of {one.where}: who holds them, and since when?",
        )  # fmt: skip


def failing_disks(look: Look) -> Iterator[Hypothesis]:
    """The kernel says that a disk or the machine itself fails."""
    for one in look.during(FactKind.KERNEL):
        if _DISK.search(word(one, "message")):
            yield hypothesis(
                one, "machine-failure", CauseClass.SYSTEM,
                f"The kernel of {one.where} reports that its hardware fails.", detail=one.where,
                says=word(one, "message")[:160], confirm=f"dmesg and smartctl on {one.where}.",
            )  # fmt: skip


def restarted_machines(look: Look) -> Iterator[Hypothesis]:
    """A machine came up again in the incident, or shortly before it was seen."""
    for one in look.during(FactKind.HOST):
        booted = time(one, "booted_at")
        if booted is not None and booted >= look.since:
            yield hypothesis(
                one, "machine-restarted", CauseClass.SYSTEM, f"{one.where} was started again.",
                says=f"It is up since {booted:%Y-%m-%d %H:%M} UTC.", since=booted, detail=one.where,
                confirm=f"last -x on {one.where}; who or what restarted it?",
            )  # fmt: skip
