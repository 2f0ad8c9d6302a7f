"""A diagnosis of something that is going on: asked for, made of what collectors saw, kept, read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay.diagnosis import store
from mainstay.diagnosis.cause import Diagnosis, from_facts
from mainstay.diagnosis.engine import diagnose
from mainstay.diagnosis.live.business import business_sentence
from mainstay.diagnosis.live.case import Case
from mainstay.diagnosis.live.past import Before, judged, learned, seen_before, traits_of
from mainstay.diagnosis.material import Material
from mainstay.diagnosis.store import Judged, Run, RunState
from mainstay.estate import View
from mainstay.foundation import due
from mainstay.foundation.clock import from_us, text_of_us
from mainstay.foundation.db import Tx
from mainstay.foundation.ids import Ids
from mainstay.incidents import Incident

RUN_DUE = "diagnosis.run"
"""The due rows of runs; their key is the run's id."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest run, and the last result with the words of people; what readers get to see."""

    run: Run
    found: Diagnosis | None
    business: str
    seen_before: tuple[Before, ...]
    verdicts: tuple[Judged, ...]

    @property
    def is_under_way(self) -> bool:
        """Whether a run waits or reads."""
        return self.run.state in (RunState.WAITING, RunState.READING)

    def as_facts(self) -> dict[str, Any]:
        """For programs: everything, the scores too."""
        run = self.run
        return {
            "run": run.id, "state": str(run.state), "because": run.because, "service": run.service,
            "asked_at": text_of_us(run.asked_at), "made_at": text_of_us(run.made_at),
            "progress": run.progress, "business": self.business,
            "diagnosis": None if self.found is None else self.found.as_facts(),
            "seen_before": [one.as_facts() for one in self.seen_before],
            "verdicts": [
                {"cause": one.cause, "verdict": one.verdict, "person": one.person, "note": one.note,
                 "sentence": one.sentence, "at": one.at.isoformat().replace("+00:00", "Z")}
                for one in self.verdicts
            ],
        }  # fmt: skip


def ask(tx: Tx, ids: Ids, incident: Incident, *, because: str, at: datetime, now: datetime) -> str:
    """Have an incident's diagnosis made at `at`; one that waits already is that one. Its run."""
    newest = store.newest(tx, incident.id)
    if newest is not None and newest.state is RunState.WAITING:
        due.sooner(tx, RUN_DUE, newest.id, at=at)
        return newest.id
    opened = from_us(incident.opened_at)
    return _plan(tx, ids, incident.id, incident.service, (opened, None), because, at=at, now=now)


def ask_about(
    tx: Tx, ids: Ids, service: str, *, since: datetime, until: datetime | None, because: str,
    now: datetime,
) -> str:  # fmt: skip
    """Have a service and a stretch of time diagnosed. Its run."""
    return _plan(tx, ids, None, service, (since, until), because, at=now, now=now)


def _plan(
    tx: Tx, ids: Ids, incident: str | None, service: str, span: tuple[datetime, datetime | None],
    because: str, *, at: datetime, now: datetime,
) -> str:  # fmt: skip
    run = ids.new("dia", now)
    since, until = span
    store.add_run(
        tx, run, incident=incident, service=service, since=since, until=until, because=because,
        now=now,
    )  # fmt: skip
    due.plan(tx, RUN_DUE, run, at=at)
    return run


def keep(
    tx: Tx, run: Run, case: Case, collected: Material, view: View, *, now: datetime,
    found: Diagnosis,
) -> Diagnosis:  # fmt: skip
    """The result in its row, with what it means and what it is like. The diagnosis as kept."""
    before: list[Before] = []
    if run.incident is not None:
        store.mark(tx, run.incident, traits_of(case, collected, found), at=from_us(run.since))
        before = seen_before(tx, run.incident, now=from_us(run.since))
        found = learned(found, before)
    question = case.question
    business = business_sentence(
        view, case.services, title=" ".join((case.title, *case.alerts)), severity=case.severity,
        since=question.since, until=question.until if case.is_over else None,
    )  # fmt: skip
    told = {
        **found.as_facts(), "business": business,
        "seen_before": [one.as_facts() for one in before],
    }  # fmt: skip
    store.made(tx, run.id, told, now=now)
    return found


def conclude(case: Case, collected: Material) -> Diagnosis:
    """What the engine says of it; pure, and the longest part."""
    return diagnose(case.of(collected))


def shown(tx: Tx, incident: str, *, hidden: Collection[str] = ()) -> Shown | None:
    """An incident's newest run with its last result; None before the first. `hidden`: services whose
    earlier incidents the reader may not see."""
    run = store.newest(tx, incident)
    if run is None:
        return None
    last = run if run.result is not None else store.newest_made(tx, incident)
    return _shown(run, last, tuple(store.verdicts(tx, incident)), hidden)


def shown_run(tx: Tx, run: str, *, hidden: Collection[str] = ()) -> Shown | None:
    """One run; what nobody may see of it is left out as in `shown`."""
    found = store.run(tx, run)
    return None if found is None else _shown(found, found, (), hidden)


def _shown(
    run: Run, last: Run | None, verdicts: tuple[Judged, ...], hidden: Collection[str]
) -> Shown:
    if last is None or last.result is None:
        return Shown(run, None, "", (), verdicts)
    told = last.result
    before = [Before(**{**one, "services": tuple(one["services"])}) for one in told["seen_before"]]
    seen = tuple(one for one in before if not set(one.services) <= set(hidden))
    found = judged(from_facts(told), verdicts)
    return Shown(run, found, told["business"], seen, verdicts)
