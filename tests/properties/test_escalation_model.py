"""Whatever happens in whatever order: who has to hear of it is being asked, and nobody else.

A machine does to a whole Mainstay what monitoring, people, time and providers do to it, and holds
it against a naive model: which alerts fire, which of them a person closed, who said "I have it".
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from databases import fewer
from mainstay import alerts, incidents, paging
from mainstay.acts import commands
from mainstay.alerts import Matcher
from mainstay.foundation import due
from mainstay.foundation.errors import Rejected, TimedOut, Unreachable
from mainstay.oncall import Wanted
from mainstay.paging.channels import Page
from walk import Try, Walk, fire, over

SERVICES = ("pay-api", "pay-db", "alpha")
SEVERITIES = ("critical", "error", "warning")
HELD = timedelta(minutes=15)
FAULTS = {
    "works": None,
    "unreachable": Unreachable("no route"),
    "silent": TimedOut("no answer"),
    "refused": Rejected("account closed", reply=403, permanent=True),
}
Key = tuple[str, str, str]


class Corridor(RuleBasedStateMachine):
    """The rules are the world; the invariants are the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(kinds=("sms", "mail"))
        for provider in self.walk.providers.values():
            provider.watch = self.watch
        self.firing: set[Key] = set()
        """What is open, by a model that knows nothing of incidents."""
        self.held: dict[Key, datetime] = {}
        """Closed by hand while the source goes on firing."""
        self.silence: dict[str, str] = {}
        self.asked: set[str] = set()
        """Incidents for which somebody asked for pages by hand, silence or not."""
        self.wrong: list[str] = []
        self.in_flight: set[str] = set()

    def teardown(self) -> None:
        self.walk.end()

    # -- monitoring --------------------------------------------------------------------------------

    @rule(
        service=st.sampled_from(SERVICES),
        name=st.sampled_from("AB"),
        severity=st.sampled_from(SEVERITIES),
        copies=st.integers(1, 2),
    )
    def something_fires(self, service: str, name: str, severity: str, copies: int) -> None:
        for _ in range(copies):
            self.walk.sends([fire(service, name, severity)])
        key = (service, name, severity)
        since = self.held.get(key)
        if since is None or self.walk.clock.now() - since >= HELD:
            self.held.pop(key, None)
            self.firing.add(key)
        self.walk.settle()

    @rule(
        service=st.sampled_from(SERVICES),
        name=st.sampled_from("AB"),
        severity=st.sampled_from(SEVERITIES),
    )
    def something_is_over(self, service: str, name: str, severity: str) -> None:
        self.walk.sends([over(service, name, severity, self.walk.clock.now())])
        self.firing.discard((service, name, severity))
        self.held.pop((service, name, severity), None)
        self.walk.settle()

    # -- people ------------------------------------------------------------------------------------

    def open_incident(self, data: st.DataObject) -> incidents.Incident | None:
        found = [one for one in self.walk.incidents() if one.is_open]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(data=st.data())
    def somebody_acknowledges(self, data: st.DataObject) -> None:
        self.do(data, commands.Acknowledge)

    @rule(data=st.data())
    def somebody_acknowledges_while_a_page_is_on_its_way(self, data: st.DataObject) -> None:
        began = self.walk.begin()
        self.in_flight = {one.page.idempotency_key for one in began}
        incident = self.open_incident(data)
        if incident is not None:
            self.walk.act(commands.Acknowledge(incident.id))
        for one in began:
            self.walk.finish(one)
        self.in_flight = set()
        self.walk.settle()

    @rule(data=st.data())
    def somebody_gives_it_back(self, data: st.DataObject) -> None:
        self.do(data, commands.Unacknowledge, only=lambda one: one.acked_by is not None)

    @rule(data=st.data())
    def somebody_resolves(self, data: st.DataObject) -> None:
        incident = self.open_incident(data)
        if incident is None:
            return
        for alert in self.walk.app.db.read(lambda tx: alerts.open_of_incident(tx, incident.id)):
            key = (alert.service, alert.labels.get("alertname", ""), alert.severity)
            if key in self.firing:
                self.firing.remove(key)
                self.held[key] = self.walk.clock.now()
        self.walk.act(commands.Resolve(incident.id))
        self.walk.settle()

    @rule(data=st.data())
    def somebody_escalates(self, data: st.DataObject) -> None:
        self.do(data, lambda name: self.ask(commands.EscalateNow(name, "it grows")))

    @rule(data=st.data(), person=st.sampled_from(["mara", "ben"]))
    def somebody_hands_it_on(self, data: st.DataObject, person: str) -> None:
        self.do(data, lambda name: self.ask(commands.Reassign(name, person)))

    def ask(self, command: Any) -> Any:
        self.asked.add(command.incident)
        return command

    @rule(person=st.sampled_from(["mara", "ben"]))
    def somebody_takes_the_shift(self, person: str) -> None:
        now = self.walk.clock.now()
        wanted = Wanted("payops-oncall", person, now, now + timedelta(hours=1), "a swap")
        self.walk.act(commands.AddOverrides((wanted,)))

    @rule(service=st.sampled_from(SERVICES), minutes=st.sampled_from([5, 40]))
    @precondition(lambda self: len(self.silence) < 2)
    def somebody_silences(self, service: str, minutes: int) -> None:
        now = self.walk.clock.now()
        command = commands.AddSilence(
            (Matcher("service", "=", service),), now, now + timedelta(minutes=minutes), "planned"
        )
        self.silence[self.walk.act(command).subject] = service
        self.walk.settle()

    @rule(data=st.data())
    @precondition(lambda self: self.silence)
    def somebody_ends_a_silence(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.silence)))
        del self.silence[name]
        found = self.walk.app.db.read(lambda tx: alerts.get_silence(tx, name))
        assert found is not None
        if found.ended_at is None:
            self.walk.act(commands.EndSilence(name))
        self.walk.settle()

    def do(self, data: st.DataObject, command: Any, only: Any = lambda one: True) -> None:
        incident = self.open_incident(data)
        if incident is not None and only(incident):
            self.walk.act(command(incident.id))
            self.walk.settle()

    # -- the rest of the world -----------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 5, 11, 61]))
    def time_passes(self, minutes: int) -> None:
        self.walk.forward(minutes=minutes)

    @rule(kind=st.sampled_from(["sms", "mail"]), how=st.sampled_from(sorted(FAULTS)))
    def a_provider_changes(self, kind: str, how: str) -> None:
        self.walk.providers[kind].fault = FAULTS[how]

    @rule()
    def it_is_killed(self) -> None:
        self.walk.restart()
        self.walk.settle()

    @rule()
    def it_is_killed_while_pages_are_on_their_way(self) -> None:
        self.walk.begin()
        self.walk.restart()
        self.walk.settle()

    # -- the promises --------------------------------------------------------------------------------

    def watch(self, page: Page) -> None:
        """What a provider could object to at the moment when it is handed a page."""
        if page.idempotency_key in self.in_flight:
            return
        db = self.walk.app.db
        incident = db.read(lambda tx: incidents.by_name(tx, page.incident))
        assert incident is not None
        by_hand = page.text.count("handed") > 0
        if not incident.is_open:
            self.wrong.append(f"{page.person} was paged for {incident.name}, which is resolved")
        if incident.acked_by is not None and not by_hand:
            self.wrong.append(f"{page.person} was paged for {incident.name}, which is taken")
        if is_muted(self.walk, incident) and incident.id not in self.asked:
            self.wrong.append(f"{page.person} was paged for {incident.name}, which is silenced")

    @invariant()
    def nobody_was_paged_for_what_is_over_taken_or_silenced(self) -> None:
        assert not self.wrong, self.wrong

    @invariant()
    def what_fires_is_open_once_and_nothing_else_is(self) -> None:
        found = [
            (alert.service, alert.labels["alertname"], alert.severity)
            for alert in self.walk.alerts()
            if alert.source == "prometheus"
        ]
        assert sorted(found) == sorted(self.firing)

    @invariant()
    def every_open_alert_that_is_heard_is_in_an_open_incident(self) -> None:
        known = {one.id: one for one in self.walk.incidents()}
        for alert in self.walk.alerts():
            if alert.silence is None:
                assert alert.incident is not None
            if alert.incident is not None:
                assert known[alert.incident].is_open

    @invariant()
    def one_open_incident_for_each_service(self) -> None:
        rows = self.walk.rows("SELECT service FROM incidents_service WHERE open = 1")
        assert len({row["service"] for row in rows}) == len(rows)

    @invariant()
    def whoever_has_to_hear_is_being_asked(self) -> None:
        """Open, heard, and nobody has it: a policy runs with its next step planned, or all ran dry."""
        now = self.walk.clock.now()
        for incident in self.walk.incidents():
            if not incident.is_open or is_muted(self.walk, incident):
                continue
            if incident.acknowledged(int(now.timestamp() * 1_000_000)):
                continue
            runs = self.walk.app.db.read(lambda tx, id=incident.id: paging.escalations(tx, id))
            running = [run for run in runs if run.state == "running"]
            for run in running:
                at = self.walk.app.db.read(
                    lambda tx, id=run.id: due.pending(tx, paging.STEP_DUE, id)
                )
                assert (at or now) > now, f"{incident.name}: {run.policy} is forgotten"
            if not running:
                dry = [run for run in runs if run.state == "exhausted" and run.policy == "fallback"]
                assert dry, f"nobody has {incident.name}, and nobody is being asked"
                assert self.walk.rows("SELECT 1 FROM alerts_alert WHERE dedup_key = 'paging.dry'")

    @invariant()
    def what_is_taken_or_over_asks_nobody(self) -> None:
        for incident in self.walk.incidents():
            if incident.is_open and incident.acked_by is None:
                continue
            runs = self.walk.app.db.read(lambda tx, id=incident.id: paging.running(tx, id))
            assert not runs, f"{incident.name} is {incident.state}, and its policy runs"

    @invariant()
    def no_page_is_left_lying(self) -> None:
        """Every page that waits, or was begun, comes due again; one that is carried has a carrier."""
        lost = self.walk.rows(
            "SELECT s.id, s.state FROM paging_send AS s WHERE s.state IN ('waiting', 'sending')"
            " AND NOT EXISTS (SELECT 1 FROM foundation_due AS d"
            " WHERE d.kind = 'paging.send' AND d.key = s.id)"
        )
        assert not lost
        orphans = self.walk.rows(
            "SELECT s.id, c.state FROM paging_send AS s JOIN paging_send AS c ON c.id = s.bundle"
            " WHERE s.state = 'bundled' AND c.state NOT IN ('waiting', 'sending', 'sent')"
        )
        assert not orphans

    @invariant()
    def a_copy_has_the_key_of_the_first_and_says_so(self) -> None:
        seen: dict[str, list[Try]] = {}
        for one in self.walk.journal:
            seen.setdefault(one.page.idempotency_key, []).append(one)
        for tries in seen.values():
            assert len({one.kind for one in tries}) == 1
            assert len({one.page.person for one in tries}) == 1


def is_muted(walk: Walk, incident: incidents.Incident) -> bool:
    """Whether all that is open in it is silenced."""
    db = walk.app.db
    still = db.read(lambda tx: alerts.open_of_incident(tx, incident.id))
    return bool(still) and all(alert.silence is not None for alert in still)


@pytest.mark.both
@pytest.mark.timeout(300)
def test_who_has_to_hear_of_it_is_being_asked_and_nobody_else(engine: str) -> None:
    examples = int(os.environ.get("MAINSTAY_EXAMPLES", "25"))
    few = settings(
        max_examples=examples if engine == "sqlite" else fewer(examples), stateful_step_count=30,
        deadline=None, derandomize="MAINSTAY_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Corridor, settings=few)
