"""Is the likely cause there before anyone has asked, and does it never stand in the way of a page?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_world import ESTATE, World, _alert

from mainstay import acts, changes, diagnosing, loops, people, pipeline
from mainstay.alerts import Matcher
from mainstay.diagnosis import live
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.material import Material
from mainstay.foundation.errors import Forbidden, NotFound, Refused

CHECKED = (
    ESTATE
    + """
checks:
  pay-db-lag:
    service: pay-db
    script: {command: [/bin/sh, -c, "cat LAG; test $(cat LAG) -lt 30"]}
    every: 30s
    severity: warning
"""
)


@pytest.fixture
def watched(tmp_path: Path, engine: str) -> Iterator[World]:
    (tmp_path / "lag").write_text("1\n")
    made = World(tmp_path, CHECKED.replace("LAG", str(tmp_path / "lag")))
    yield made
    made.app.close()


def deployed(world: World, service: str, summary: str, *, at: datetime) -> None:
    """A change event, as a pipeline sends it."""
    now = world.clock.now()
    world.app.db.run(
        lambda tx: changes.record_change(
            tx, world.app.ground.ids, source="gitlab", service=service, summary=summary, at=at,
            facts={"version": "4.2.0", "by": "ben"}, receipt="rcp_1", now=now,
        )
    )  # fmt: skip


def fires(world: World, service: str, name: str = "HighLatency") -> None:
    """An alert that begins now."""
    alert = _alert(service, name, "critical", None)
    world.sends("prometheus", [{**alert, "startsAt": world.clock.now().isoformat()}])
    world.settle()


def shown(world: World, number: int = 1) -> Any:
    incident = world.incident(number)
    found = world.app.db.read(lambda tx: live.shown(tx, incident.id))
    assert found is not None
    return found


def causes(world: World, number: int = 1) -> list[tuple[str, str, str]]:
    found = shown(world, number).found
    return [(one.where, one.kind, one.verdict.value) for one in found.hypotheses]


@pytest.mark.both
def test_what_fails_below_comes_before_the_release_that_was_made_above(
    watched: World, tmp_path: Path
) -> None:
    watched.forward(minutes=2)
    (tmp_path / "lag").write_text("400\n")
    watched.forward(minutes=3)
    deployed(watched, "pay-api", "pay-api 4.2.0", at=watched.clock.now() - timedelta(minutes=2))
    fires(watched, "pay-api")
    assert [one.service for one in watched.incidents()] == ["pay-db"]  # its check had failed before
    watched.forward(minutes=1)  # the incident has grown
    assert "INC-1 grows" in shown(watched).run.because
    likely, *others = causes(watched)
    assert likely == ("pay-db", "dependency-fails", "likely")
    assert ("pay-api", "change", "possible") in others
    found = shown(watched).found
    assert "pay-db-lag" in found.hypotheses[0].speaks_for[0].sentence
    assert "pay-db fails by itself" in found.hypotheses[1].speaks_against[0].sentence


@pytest.mark.both
def test_the_page_is_in_the_record_before_the_diagnosis(world: World) -> None:
    world.fires("pay-api")
    world.mara.expects("HighLatency")
    kinds = [line.partition(":")[0] for line in world.timeline()]
    assert kinds.index("page.sent") < kinds.index("diagnosis.made")
    assert "INC-1 is new" in world.timeline()[kinds.index("diagnosis.made")]


def test_a_release_of_what_fails_is_the_cause_where_all_below_is_well(watched: World) -> None:
    watched.forward(minutes=2)
    deployed(watched, "pay-api", "pay-api 4.2.0", at=watched.clock.now() - timedelta(minutes=2))
    fires(watched, "pay-api", "ErrorRate")
    assert causes(watched)[0] == ("pay-api", "change", "likely")
    assert shown(watched).business.startswith("Payment") is False
    assert "pay-api (tier 1" in shown(watched).business


def test_what_was_begun_by_a_process_that_died_is_made_by_the_next(world: World) -> None:
    world.sends("prometheus", [_alert("pay-api", "HighLatency", "critical", None)])
    assert loops.settle(world.app, world.clock.now()) is not None
    claimed = world.app.db.run(lambda tx: diagnosing._claim(tx, world.app))
    assert len(claimed) == 1
    world.restart()
    world.forward(minutes=2)
    assert shown(world).run.state == "made"


@dataclass(frozen=True)
class Hung:
    """A collector that comes back only when the test is over."""

    over: threading.Event
    name: str = "a system that hangs"

    def collect(self, question: Question, *, within_s: float) -> Material:
        self.over.wait()
        return Material()


@dataclass(frozen=True)
class Broken:
    """A collector with a bug."""

    name: str = "a broken one"

    def collect(self, question: Question, *, within_s: float) -> Material:
        raise ZeroDivisionError


def test_who_hangs_is_left_behind_and_who_breaks_is_told_of(world: World) -> None:
    over = threading.Event()
    own = world.app.collectors(world.app.db.read(world.app.ground.views.current), ("pay-api",))
    world.use(collectors=lambda view, services: (Hung(over), Broken(), *own), budget_s=0.3)
    try:
        world.fires("pay-api")
        found = shown(world)
        states = {one["name"]: one["state"] for one in found.run.progress}
        assert states["a system that hangs"] == "left behind"
        assert states["a broken one"] == "failed"
        assert states["alerts"] == "done"
        assert "a system that hangs did not answer within 0.3 s and was left behind." in (
            found.found.notes
        )
    finally:
        over.set()


def judged(world: World, command: type, where: str, number: int = 1) -> Any:
    """Mara's word on the cause that lies there."""
    found = shown(world, number).found.hypotheses
    cause = next(one.id for one in found if one.where == where)
    return world.act(command(f"INC-{number}", cause, "replayed the WAL by hand"), who="mara")


@pytest.mark.both
def test_what_somebody_confirmed_is_known_the_next_time(watched: World, tmp_path: Path) -> None:
    watched.forward(minutes=2)
    (tmp_path / "lag").write_text("400\n")
    watched.forward(minutes=3)
    fires(watched, "pay-api")
    watched.forward(minutes=1)
    judged(watched, acts.commands.ConfirmCause, "pay-db")
    assert shown(watched).found.sentence.startswith("Confirmed by mara: pay-db")
    assert any("mara confirmed the cause of INC-1" in line for line in watched.timeline())
    watched.act(acts.commands.Resolve("INC-1", "the replica was rebuilt"), who="mara")
    (tmp_path / "lag").write_text("1\n")
    watched.clears("pay-api")
    watched.forward(minutes=40)
    (tmp_path / "lag").write_text("400\n")
    watched.forward(minutes=3)
    fires(watched, "pay-api")
    watched.forward(minutes=1)
    number = watched.incidents()[0].number
    assert number > 1
    [before] = shown(watched, number).seen_before
    assert before.name == "INC-1"
    assert "same alert (HighLatency)" in before.because
    assert "cause confirmed by mara on 23 November" in before.because
    assert before.fixed == "the replica was rebuilt"
    first = shown(watched, number).found.hypotheses[0]
    assert any("It was the cause of INC-1" in one.sentence for one in first.speaks_for)


def test_what_somebody_ruled_out_is_no_cause_any_more(watched: World) -> None:
    watched.forward(minutes=2)
    deployed(watched, "pay-api", "pay-api 4.2.0", at=watched.clock.now() - timedelta(minutes=2))
    fires(watched, "pay-api", "ErrorRate")
    change = shown(watched).found.hypotheses[0]
    watched.act(acts.commands.RuleOutCause("INC-1", change.id), who="mara")
    found = shown(watched).found
    assert next(one for one in found.hypotheses if one.id == change.id).verdict.value == "ruled out"
    assert found.hypotheses[0].kind == "fails-alone"
    with pytest.raises(NotFound, match="No cause 'nonsense'"):
        watched.act(acts.commands.ConfirmCause("INC-1", "nonsense"), who="mara")
    with pytest.raises(Forbidden):
        watched.act(acts.commands.ConfirmCause("INC-1", change.id), who="ben", role="viewer")


def test_the_trouble_of_a_service_is_looked_into_without_an_incident(world: World) -> None:
    now = world.clock.now()
    command = acts.commands.DiagnoseWindow("reports", now - timedelta(hours=1))
    run = world.act(command, who="mara").subject
    found = world.app.db.read(lambda tx: live.shown_run(tx, run))
    assert found is not None
    assert found.run.state == "made"
    assert found.found.sentence == "Not enough evidence: nothing of reports could be looked at."
    assert not found.found.enough
    for wrong in (
        acts.commands.DiagnoseWindow("report", now - timedelta(hours=1)),
        acts.commands.DiagnoseWindow("reports", now, now - timedelta(hours=1)),
        acts.commands.DiagnoseWindow("reports", now - timedelta(days=3)),
    ):
        with pytest.raises(Refused):
            world.act(wrong, who="mara")


def test_a_window_that_was_agreed_explains_what_it_covers(world: World) -> None:
    silence = acts.commands.AddSilence(
        (Matcher("service", "=", "pay-db"),), world.clock.now(),
        world.clock.now() + timedelta(hours=1), "failover exercise of pay-db",
    )  # fmt: skip
    world.act(silence, who="ben")
    world.forward(minutes=1)
    fires(world, "pay-api")
    likely = shown(world).found.hypotheses[0]
    assert (likely.where, likely.cause_class.value) == ("pay-db", "planned work")
    assert "failover exercise of pay-db" in likely.sentence


def test_a_service_outside_that_fails_first_is_a_third_party(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        ESTATE.replace(
            "pay-db: {tier: 1, owner: payops, type: database}",
            "pay-db: {tier: 1, owner: payops, type: external, vendor: Acme, contact: +41 44 000}",
        ),
    )
    fires(world, "pay-db", "Down")
    world.forward(minutes=1)
    fires(world, "pay-api", "ErrorRate")
    world.forward(minutes=1)
    likely = shown(world).found.hypotheses[0]
    assert (likely.where, likely.cause_class.value) == ("pay-db", "third party")
    assert "a service of Acme outside" in likely.sentence
    assert "+41 44 000" in likely.confirm
    world.app.close()


def test_a_run_that_never_ends_is_given_up(world: World) -> None:
    fires(world, "pay-api")
    world.act(acts.commands.Diagnose("INC-1"), who="mara")
    run = shown(world).run
    again = acts.commands.Diagnose("INC-1")
    now = world.clock.now()
    actor = people.person("mara", "responder")
    world.app.db.run(lambda tx: pipeline.act(tx, world.app.ground, again, actor=actor, now=now))
    for _ in range(diagnosing.TRIES_MAX):
        assert world.app.db.run(lambda tx: diagnosing._claim(tx, world.app))
        world.clock.forward(minutes=5)  # its node died: the lease ends
    assert world.app.db.run(lambda tx: diagnosing._claim(tx, world.app)) == []
    assert shown(world).run.state == "failed"
    assert shown(world).run.id != run.id
    assert shown(world).found is not None, "the last result stays"
