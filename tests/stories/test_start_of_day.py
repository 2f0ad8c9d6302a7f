"""Does a start of day open, page when it is unsigned at its time, and freeze what was signed?"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mainstay import alerts
from mainstay.acts.shift import commands
from mainstay.foundation.errors import Conflict, Forbidden, Invalid
from mainstay.handover import checklists

pytestmark = pytest.mark.both
World = Any
CALENDARS = """
calendars:
  weekdays: {weekend: [sat, sun]}
"""
CHECKLIST = """
checklists:
  start-of-day:
    team: payops
    opens: "05:30"
    due: "06:45"
    calendar: weekdays
    signoff: {by: team, not: previous-signer}
    items:
      - {id: payment, manual: Test card payment, service: pay-db,
         answer: {amount: {type: number, min: 0.5, max: 100, unit: CHF}, shot: {type: file, optional: true}}}
      - {id: lights, manual: All lamps on the wall are lit}
"""


@pytest.fixture
def shift(world: World) -> World:
    """Monday 23 November, 08:00 UTC: the first start of day in sight is Tuesday's, 06:45 in Zurich."""
    _declare(world, CHECKLIST)
    return world


def test_a_start_of_day_opens_is_answered_and_signed(shift: World) -> None:
    assert shift.app.db.read(lambda tx: checklists.open_runs(tx, "start-of-day")) == []
    run = _tuesday(shift)
    assert run.day.isoformat() == "2026-11-24"
    with pytest.raises(Conflict, match="Test card payment"):
        shift.act(commands.SignRun(run.id), who="mara")
    shift.act(commands.AnswerItem(run.id, "payment", {"amount": "12.50"}), who="mara")
    shift.act(commands.AnswerItem(run.id, "lights"), who="mara")
    done = shift.act(commands.SignRun(run.id, "all good"), who="mara")
    assert "Ready: all 2 items" in done.sentence
    signed = shift.app.db.read(lambda tx: checklists.run_by_id(tx, run.id))
    assert signed is not None
    assert signed.state == "signed"
    assert signed.evidence is not None
    facts = json.loads(_facts(shift, "checklist.signed"))
    assert facts["evidence_sha256"] == sha256(signed.evidence.encode()).hexdigest()
    kept = json.loads(signed.evidence)
    assert kept["items"][0]["answers"] == {"amount": 12.5}
    with pytest.raises(Conflict, match="signed"):
        shift.act(commands.AnswerItem(run.id, "lights"), who="ben")
    _later(shift, hours=2)
    assert shift.head.is_quiet()


def test_unsigned_at_its_time_pages_the_lead_until_it_is_signed(shift: World) -> None:
    run = _tuesday(shift)
    _later(shift, hours=1, minutes=20)
    shift.head.expects("start-of-day of Tue 24 Nov is not signed", "2 of 2 items to do")
    assert shift.mara.is_quiet()
    assert shift.incident(1).is_open
    _sign(shift, run, "ben")
    shift.settle()
    assert not shift.incident(1).is_open
    past = shift.app.db.read(lambda tx: checklists.past(tx, "start-of-day", before=None))
    assert past[0].run.due_state == "open"
    assert past[0].items == {
        "payment": "waiting",
        "lights": "waiting",
    }


def test_nobody_signs_two_days_in_a_row(shift: World) -> None:
    _sign(shift, _tuesday(shift), "mara")
    _later(shift, hours=24)
    run = _open(shift)
    assert run.day.isoformat() == "2026-11-25"
    with pytest.raises(Forbidden, match="somebody else signs"):
        _sign(shift, run, "mara")
    _sign(shift, run, "ben")


def test_a_day_off_has_no_start_of_day_and_what_nobody_signed_is_missed(shift: World) -> None:
    for _ in range(7):  # Tuesday to the Monday after: no Saturday, no Sunday
        _later(shift, hours=24)
    days = {one.run.day.isoformat(): one.run.state for one in _past(shift)}
    assert days == {
        "2026-11-24": "missed", "2026-11-25": "missed", "2026-11-26": "missed",
        "2026-11-27": "missed", "2026-11-30": "open",
    }  # fmt: skip
    (alert,) = shift.app.db.read(alerts.every_open)
    assert "of Mon 30 Nov is not signed" in alert.summary, "a day that is over pages nobody"


def test_a_number_outside_of_its_bounds_fails_the_item_and_names_what_needs_it(
    shift: World,
) -> None:
    run = _tuesday(shift)
    shift.act(commands.AnswerItem(run.id, "payment", {"amount": 250}), who="mara")
    shift.act(commands.AnswerItem(run.id, "lights"), who="mara")
    verdict = shift.app.db.read(lambda tx: _verdict(shift, tx, run.id))
    assert verdict.state == "not ready"
    assert verdict.risk == ("pay-db", "pay-api", "checkout")
    assert "amount is 250 CHF, expected at most 100" in verdict.sentence
    with pytest.raises(Conflict):
        shift.act(commands.SignRun(run.id), who="mara")
    now = shift.clock.now()
    waive = commands.WaiveItem(
        "start-of-day", "payment", "ben", "vendor case 7", now.replace(hour=18)
    )
    with pytest.raises(Forbidden):
        shift.act(waive, who="mara")
    shift.act(waive, who="head", role="lead")
    done = shift.act(commands.SignRun(run.id), who="mara")
    assert "At risk: Test card payment (waived until" in done.sentence


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "amount is missing"),
        ({"amount": "many"}, "expected a number"),
        ({"amount": float("nan")}, "expected a number"),
        ({"amount": True}, "expected a number"),
        ({"amount": 1, "colour": "red"}, "Nothing asks for"),
    ],
)
def test_an_answer_of_another_type_is_refused(
    shift: World, answers: dict[str, Any], words: str
) -> None:
    run = _tuesday(shift)
    with pytest.raises(Invalid, match=words):
        shift.act(commands.AnswerItem(run.id, "payment", answers), who="mara")


def test_a_file_is_known_by_its_content_and_its_hash_is_signed(shift: World) -> None:
    run = _tuesday(shift)
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 64
    attach = commands.AttachFile(run.id, "payment", "shot", "../../etc/shot.png", picture)
    file = shift.act(attach, who="mara").value
    assert (file.name, file.media) == ("shot.png", "image/png")
    with pytest.raises(Invalid, match="PNG or JPEG"):
        shift.act(
            commands.AttachFile(run.id, "payment", "shot", "a.exe", b"MZ\x00\x01"), who="mara"
        )
    with pytest.raises(Invalid, match="takes no file"):
        shift.act(commands.AttachFile(run.id, "lights", "shot", "a.png", picture), who="mara")
    _sign(shift, run, "mara")
    signed = shift.app.db.read(lambda tx: checklists.run_by_id(tx, run.id))
    assert signed is not None
    assert sha256(picture).hexdigest() in (signed.evidence or "")


def test_where_two_sign_the_second_is_another_and_signs_the_same_evidence(world: World) -> None:
    _declare(world, CHECKLIST.replace("not: previous-signer", "signers: 2"))
    run = _tuesday(world)
    _sign(world, run, "mara")
    with pytest.raises(Conflict, match="first signature"):
        world.act(commands.AnswerItem(run.id, "lights", failed=True, words="off"), who="ben")
    with pytest.raises(Forbidden, match="two different people"):
        world.act(commands.SignRun(run.id), who="mara")
    world.act(commands.SignRun(run.id), who="ben")
    signed = world.app.db.read(lambda tx: checklists.run_by_id(tx, run.id))
    assert signed is not None
    assert signed.state == "signed"


def test_a_stop_in_the_middle_of_a_checklist_loses_nothing(shift: World) -> None:
    run = _tuesday(shift)
    shift.act(commands.AnswerItem(run.id, "payment", {"amount": 2}), who="mara")
    shift.restart()
    shift.settle()
    found = shift.app.db.read(lambda tx: _lines(shift, tx, run.id))
    assert [(one.key, one.state) for one in found] == [("payment", "ok"), ("lights", "waiting")]
    _later(shift, hours=2)
    shift.head.expects("is not signed")


def test_the_file_did_not_come_and_the_days_on_which_it_did_not_are_counted(
    world: World, tmp_path: Path, inbox: tuple[Path, int]
) -> None:
    """A check is a line of its own, as it stands; run by hand it is looked at at once."""
    folder, port = inbox
    (tmp_path / "own").mkdir()
    world = type(world)(tmp_path / "own", world.text, allow=(f"127.0.0.1:{port}",))
    _declare(
        world,
        CHECKLIST.replace("    items:", "    items:\n      - {run: file-in}")
        + f"""
checks:
  file-in:
    service: pay-api
    http: http://127.0.0.1:{port}/camt.xml
    schedule: "30 5 * * *"
    calendar: weekdays
    attempts: 1
    expect: ["status == 200"]
""",
    )
    run = _tuesday(world)
    line = _first(world, run)
    assert (line.state, line.services) == ("failing", ("pay-api", "checkout"))
    _later(world, hours=1, minutes=20)
    world.head.expects("is not signed", "Not ready: file-in", "What needs it: pay-api, checkout")
    (folder / "camt.xml").write_text("<ok/>")
    world.act(commands.RunChecklist(run.id), who="mara")
    assert _first(world, run).state == "ok"
    _sign(world, run, "mara")
    (past,) = _past(world)
    assert past.items["file-in"] == "failing"
    (trend,) = [one for one in checklists.trends([past]) if one.item == "file-in"]
    assert trend.red == 1
    world.app.close()


def _first(world: World, run: checklists.Run) -> checklists.Line:
    return world.app.db.read(lambda tx: _lines(world, tx, run.id))[0]


def _declare(world: World, text: str) -> None:
    own = world.text.replace(
        "timezone: Europe/Zurich}", 'timezone: Europe/Zurich, business_day_starts: "04:00"}'
    ).replace("  fallback:", "  payops-lead: [{after: 0m, notify: [person:head]}]\n  fallback:")
    world.apply(own + CALENDARS + text)


def _later(world: World, **span: float) -> None:
    """Time passes in one step: nothing happens in between but what is due by then."""
    world.clock.forward(**span)
    world.settle()


def _tuesday(world: World) -> checklists.Run:
    _later(world, hours=20, minutes=31)  # Tuesday, 05:31 in Zurich
    return _open(world)


def _open(world: World) -> checklists.Run:
    (run,) = world.app.db.read(lambda tx: checklists.open_runs(tx, "start-of-day"))
    return run


def _past(world: World) -> list[checklists.Past]:
    return world.app.db.read(lambda tx: checklists.past(tx, "start-of-day", before=None))


def _sign(world: World, run: checklists.Run, who: str) -> None:
    world.act(commands.AnswerItem(run.id, "payment", {"amount": 1}), who=who)
    world.act(commands.AnswerItem(run.id, "lights"), who=who)
    world.act(commands.SignRun(run.id), who=who)


def _lines(world: World, tx: Any, run_id: str) -> list[checklists.Line]:
    run = checklists.run_by_id(tx, run_id)
    assert run is not None
    view = world.app.ground.views.at(tx, run.estate_version)
    return checklists.lines(tx, view, run, now=world.clock.now())


def _verdict(world: World, tx: Any, run_id: str) -> checklists.Verdict:
    return checklists.verdict(world.app.ground.views.current(tx), _lines(world, tx, run_id))


def _facts(world: World, kind: str) -> str:
    rows = world.app.db.read(
        lambda tx: [row["facts"] for row in tx.all(
            "SELECT facts FROM foundation_record WHERE kind = :kind", kind=kind)]
    )  # fmt: skip
    return str(rows[-1])
