"""Is a handover drafted from the record, accepted by the next shift, and missed by the lead when it is not?"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from mainstay import alerts, checks, handover
from mainstay.acts import commands as acts
from mainstay.acts.shift import commands
from mainstay.foundation.errors import Conflict, Forbidden

pytestmark = pytest.mark.both
World = Any
TEAM = """
teams:
  payops:
    members: [mara, ben]
    shifts:
      early: {at: "06:00-14:00", people: [mara], lead: mara}
      late: {at: "14:00-22:00", people: [ben]}
    handover: {draft_before: 30m, accept_within: 10m}
"""


@pytest.fixture
def shift(world: World) -> World:
    """Monday 08:00 UTC: the early shift of 06:00 to 14:00 in Zurich is on, until 13:00 UTC."""
    own = world.text.replace("teams:\n  payops: {members: [mara, ben]}\n", TEAM.lstrip())
    own = own.replace("{name: Ben Okafor}", LEAVE).replace(
        "  fallback:", "  payops-lead: [{after: 0m, notify: [person:head]}]\n  fallback:"
    )
    world.apply(own)
    return world


LEAVE = "{name: Ben Okafor, leave: [{from: 2026-11-25, until: 2026-11-26, about: dentist}]}"


def test_a_handover_with_an_open_incident_is_drafted_edited_offered_and_accepted(
    shift: World,
) -> None:
    _later(shift, hours=4, minutes=31)
    shift.fires("pay-db", "Replication lag")
    shift.acknowledges("mara")
    shift.act(acts.Picture("INC-1", "replica lags", "failing over", "ask the vendor"), who="mara")
    shift.act(commands.WriteLog("payops", "card scheme is slow since 09:00"), who="mara")
    shift.act(commands.AddFollowUp("payops", "order a new disk", "ben"), who="mara")
    _silence(shift)
    one = _newest(shift)
    assert (one.shift, one.next_shift, one.state) == ("early", "late", "draft")
    found = _content(shift, one)
    assert found["incidents"][0]["owner"] == "mara"
    assert found["incidents"][0]["next_step"] == "ask the vendor"
    assert found["silences"][0]["reason"] == "planned work"
    assert [each["text"] for each in found["followups"]] == ["order a new disk"]
    assert found["staffing"]["missing"] == 0
    assert found["sentence"] == "To take over: 1 open incident, 1 silence, 1 follow-up."
    with pytest.raises(Forbidden, match="works the shift that ends"):
        shift.act(commands.AcceptHandover(one.id), who="mara")
    shift.act(commands.OfferHandover(one.id, "watch the replica"), who="mara")
    with pytest.raises(Forbidden, match="hands over; somebody else accepts"):
        shift.act(commands.AcceptHandover(one.id), who="mara")
    shift.act(commands.AcceptHandover(one.id, "read"), who="ben")
    taken = _newest(shift)
    assert taken.state == "accepted"
    assert taken.content_hash == sha256(taken.content.encode()).hexdigest()
    (row,) = _rows(shift, "handover.accepted")
    assert json.loads(row["facts"])["content_sha256"] == taken.content_hash
    shift.act(acts.Resolve("INC-1"), who="mara")
    assert _content(shift, taken)["incidents"], "what was accepted stays as it was"
    with pytest.raises(Conflict, match="accepted by ben"):
        shift.act(commands.EditHandover(one.id, "more"), who="mara")


def test_an_unaccepted_handover_pages_the_lead_within_minutes_and_keeps_nobody_on_duty(
    shift: World,
) -> None:
    _later(shift, hours=5, minutes=9)  # 14:09 in Zurich
    assert shift.head.is_quiet()
    _later(shift, minutes=2)
    shift.head.expects("handover of payops early", "is not accepted")
    assert shift.mara.is_quiet()
    on = shift.app.db.read(lambda tx: [
        handover.shifts.staffing(tx, _view(shift), one).people
        for one in handover.shifts.at(_view(shift), "payops", shift.clock.now())
    ])  # fmt: skip
    assert on == [("ben",)], "the schedule wins"
    shift.act(commands.AcceptHandover(_newest(shift).id), who="ben")
    assert not shift.incident(1).is_open


def test_a_shift_that_ended_while_we_were_down_still_hands_over(shift: World) -> None:
    shift.app.close()
    shift.clock.forward(hours=6)
    _open_again(shift)
    shift.settle()
    shift.head.expects("is not accepted")
    assert _newest(shift).shift == "early"


def test_what_nobody_accepted_lapses_with_the_next_shift(shift: World) -> None:
    _later(shift, hours=6)
    _later(shift, hours=7, minutes=30)  # 22:30 in Zurich: the late shift is over too
    states = {one.shift: one.state for one in _all(shift)}
    assert states == {"early": "lapsed", "late": "draft"}
    assert shift.app.db.read(alerts.every_open) == []


def test_the_log_fills_itself_from_the_record_and_takes_notes(shift: World) -> None:
    start = shift.clock.now()
    shift.fires("pay-db", "Replication lag")
    _later(shift, minutes=5)
    shift.act(commands.WriteLog("payops", "called the vendor"), who="mara")
    lines = shift.app.db.read(
        lambda tx: handover.log.entries(
            tx, _view(shift), "payops", start=start, end=start + timedelta(hours=1)
        )
    )
    kinds = [one.kind for one in lines]
    assert kinds.count("log.note") == 1
    assert "incident.opened" in kinds
    assert lines[-1].because == "called the vendor"
    early = shift.app.db.read(
        lambda tx: handover.log.entries(
            tx, _view(shift), "payops", start=start, end=start + timedelta(minutes=4)
        )
    )
    assert "log.note" not in [one.kind for one in early]


def test_whoever_is_on_leave_is_not_there_and_the_shift_is_short(shift: World) -> None:
    _later(shift, hours=54)  # Wednesday 15:00 in Zurich
    view = _view(shift)
    (stretch,) = handover.shifts.at(view, "payops", shift.clock.now())
    found = shift.app.db.read(lambda tx: handover.shifts.staffing(tx, view, stretch))
    assert found.people == ()
    assert found.missing == 1
    assert "ben is away (dentist until 2026-11-26)" in found.sentence


def test_the_lead_hears_once_of_a_shift_that_is_short_and_again_of_none_of_it(
    shift: World,
) -> None:
    """Ben is away on Wednesday: from an hour before the late shift begins, somebody can be asked."""
    _later(shift, hours=51, minutes=55)  # Wednesday 12:55 in Zurich
    _drain(shift)
    _later(shift, minutes=20)
    shift.head.expects("payops late", "short by 1", "nobody of 1 needed", "dentist")
    _later(shift, hours=2)
    assert not [page for page in shift.head.pages if "short by" in page.text], "once is enough"
    (row,) = _rows(shift, "shift.short")
    assert "ben is away (dentist until 2026-11-26)" in row["because"]
    assert json.loads(row["facts"]) == {"missing": 1, "shift": "late", "wanted": 1}
    shift.restart()
    _later(shift, minutes=30)
    assert len(_rows(shift, "shift.short")) == 1


def test_a_shift_that_gets_enough_people_is_short_no_longer(shift: World) -> None:
    _later(shift, hours=52, minutes=15)
    assert "short by 1" in shift.head.pages[-1].text
    shift.apply(_estate(shift).replace("people: [ben]", "people: [ben, mara]"))
    assert [row["kind"] for row in _rows(shift, "shift.staffed")] == ["shift.staffed"]
    assert not [one for one in shift.incidents() if one.is_open and "short by" in one.title]


def test_an_alert_that_opens_again_and_again_flaps(shift: World) -> None:
    for _ in range(3):
        shift.fires("reports", "Disk full", severity="warning")
        _later(shift, minutes=1)
        shift.clears("reports", "Disk full", severity="warning")
        _later(shift, minutes=20)
    _later(shift, hours=4)
    found = _content(shift, _newest(shift))
    assert [(one["service"], one["times"]) for one in found["flapping"]] == [("reports", 3)]


def test_a_check_that_flaps_is_handed_over_as_the_engine_sees_it(shift: World) -> None:
    """Its alert opened once and stayed open: counting alerts would not find it."""
    check = "checks: {shop: {service: reports, script: [/bin/true], attempts: 1, expect: ['value < 5']}}"
    shift.apply(f"{_estate(shift)}\n{check}\n")
    _later(shift, hours=4, minutes=31)
    _look(shift, "shop", *["ok", "fail"] * 6)
    found = _content(shift, _newest(shift))
    assert [one["summary"] for one in found["flapping"]] == ["shop"]
    _look(shift, "shop", *["ok"] * 20)
    assert _content(shift, _newest(shift))["flapping"] == []
    _look(shift, "shop", *["fail"] * 3)
    assert _content(shift, _newest(shift))["flapping"] == [], "it fails, and does not flap"


def _look(world: World, name: str, *verdicts: Any) -> None:
    """Looks with these verdicts, one a second."""
    sheet = world.app.sheets.of(_view(world))
    for verdict in verdicts:
        world.clock.forward(seconds=1)
        now = world.clock.now()
        one = checks.Result(name, now, 0, verdict, verdict)
        world.app.db.run(lambda tx, one=one, now=now: checks.take(tx, sheet, [one], now=now))


def _estate(world: World) -> str:
    return (world.folder / "estate" / "estate.yaml").read_text()


def _drain(world: World) -> None:
    """What came before is another story's."""
    for phone in world.phones.values():
        phone.pages.clear()


def _later(world: World, **span: float) -> None:
    world.clock.forward(**span)
    world.settle()


def _open_again(world: World) -> None:
    world.app = world._open()


def _silence(world: World) -> None:
    now = world.clock.now()
    matcher = alerts.parse("service=reports")
    silence = acts.AddSilence((matcher,), now, now + timedelta(hours=8), "planned work")
    world.act(silence, who="mara")


def _view(world: World) -> Any:
    return world.app.db.read(world.app.ground.views.current)


def _all(world: World) -> list[handover.passing.Handover]:
    return world.app.db.read(lambda tx: handover.passing.newest(tx, team="payops", limit=10))


def _newest(world: World) -> Any:
    return _all(world)[0]


def _content(world: World, one: Any) -> dict[str, Any]:
    return world.app.db.read(
        lambda tx: handover.passing.content(tx, _view(world), one, now=world.clock.now())
    )


def _rows(world: World, kind: str) -> list[Any]:
    return world.app.db.read(
        lambda tx: tx.all("SELECT * FROM foundation_record WHERE kind = :kind", kind=kind)
    )
