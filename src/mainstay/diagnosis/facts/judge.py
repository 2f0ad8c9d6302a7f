"""Every rule over every observation, and what belongs together said once; causes before what they
bring about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mainstay.diagnosis.cause import Evidence, Hypothesis, Verdict
from mainstay.diagnosis.facts import access, databases, files, machines, work
from mainstay.diagnosis.facts.heard import observed_in, of_sayings
from mainstay.diagnosis.facts.live import hosts
from mainstay.diagnosis.facts.look import Look
from mainstay.diagnosis.material import Material, Phase

RULES: tuple[Callable[[Look], Iterator[Hypothesis]], ...] = (
    files.late_files, files.empty_files, files.files_sent_twice, files.missing_reference_data,
    machines.full_file_systems, machines.drifting_clocks, machines.full_heaps, machines.noisy_neighbours,
    databases.blocked_sessions, databases.changed_plans, databases.exhausted_pools, databases.stuck_queues,
    access.expired_certificates, access.expired_accounts, access.shut_connections, access.changed_names,
    access.ill_vendors,
    work.differing_settings, work.jobs_rerun_twice, work.calendar_mistakes, work.bad_releases,
    hosts.used_up_connections, hosts.failing_disks, hosts.restarted_machines,
)  # fmt: skip
BOTH = 0.05
"""What was observed and is heard of as well is surer by this."""
SURE = 0.97
BROUGHT_ABOUT = 0.85
"""A mechanism whose own cause is known comes after it."""
BRINGS_ABOUT = {
    "blocked-session": {"pool-exhausted", "database-connections-exhausted"},
    "plan-change": {"pool-exhausted", "blocked-session"},
    "machine-restarted": {"pool-exhausted", "firewall-change"},
    "full-file-system": {"pool-exhausted", "stuck-queue", "firewall-change", "file-empty"},
    "heap-exhausted": {"pool-exhausted", "stuck-queue", "firewall-change"},
    "noisy-neighbour": {"pool-exhausted"},
    "dns-change": {"firewall-change", "pool-exhausted"},
    "firewall-change": {"pool-exhausted"},
    "vendor-down": {"firewall-change", "pool-exhausted", "stuck-queue"},
    "expired-certificate": {"firewall-change", "stuck-queue"},
    "expired-password": {"stuck-queue", "pool-exhausted"},
    "file-late": {"missing-reference-data"},
    "file-empty": {"missing-reference-data"},
    "clock-drift": {"expired-certificate"},
}
"""What brings about what, as a floor knows it."""


def of_facts(material: Material, troubled: Collection[str] = ()) -> list[Hypothesis]:
    """Every hypothesis that observations and the words of logs give. `troubled`: where figures say
    that something hurts, for work that is being done there."""
    look = Look(material, (*material.facts, *observed_in(material)), _since(material))
    observed = [one for rule in RULES for one in rule(look)]
    observed += work.planned_work(look, troubled)
    return list(_in_order(_joined(_distinct(observed), list(of_sayings(look)))))


def _since(material: Material) -> datetime:
    if material.since:
        return material.since
    times = [line.at_s for line in material.logs.get(Phase.DURING, ()) if line.at_s]
    times = times or [s for one in material.facts if one.at and (s := one.at.timestamp()) > 0]
    return datetime.fromtimestamp(min(times, default=1.0), UTC)


def _distinct(found: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The strongest of each (kind, thing)."""
    best: dict[tuple[str, str], Hypothesis] = {}
    for one in found:
        key = one.kind, one.detail
        if key not in best or one.score > best[key].score:
            best[key] = one
    return list(best.values())


def _joined(observed: list[Hypothesis], heard: list[Hypothesis]) -> list[Hypothesis]:
    """What lines say of a thing that was observed is evidence for that; if nothing of the kind was
    seen, the line that names the thing best speaks for all that only hint at it."""
    found = list(observed)
    for one in sorted(heard, key=lambda h: (-h.score, h.where, h.detail)):
        at = _same(one, found)
        if at is None:
            found.append(one)
        else:
            known = found[at]
            surer = known.score if known.score < one.score else min(SURE, known.score + BOTH)
            found[at] = replace(known, score=surer, speaks_for=(*known.speaks_for, *one.speaks_for))
    return found


def _same(one: Hypothesis, found: Sequence[Hypothesis]) -> int | None:
    alike = [n for n, other in enumerate(found) if other.kind == one.kind
             and other.verdict is Verdict.LIKELY]  # fmt: skip
    near = [n for n in alike if (one.detail and one.detail == found[n].detail)
            or (one.where in (found[n].where, found[n].detail) and not (one.detail and found[n].detail and one.detail[:1] != found[n].detail[:1]))]  # fmt: skip
    if near:
        return near[0]
    return alike[0] if len(alike) == 1 and not one.detail else None


def _in_order(found: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    likely = {one.kind: one for one in found if one.verdict is Verdict.LIKELY}
    for one in found:
        cause = next((likely[kind] for kind, brings in BRINGS_ABOUT.items()
                      if one.kind in brings and kind in likely), None)  # fmt: skip
        if cause is None:
            yield one
        else:
            because = Evidence(f"It may come of something else: {cause.sentence}")
            yield replace(
                one, score=one.score * BROUGHT_ABOUT, speaks_against=(*one.speaks_against, because)
            )
