"""The morning and the end of a shift, as people live through them in the console."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alpenpay import EXAMPLE, Day, alpenpay
from playwright.sync_api import Browser, Page, expect
from windows import DESK, PHONE, sign_in

from mainstay import estate, handover
from mainstay.acts import commands
from mainstay.acts.shift import commands as on_shift
from mainstay.foundation.errors import Forbidden
from mainstay.foundation.settings.values import Egress


def opened(chromium: Browser, day: Day, person: str, *, size: object = DESK) -> Page:
    context = chromium.new_context(viewport=size)  # type: ignore[arg-type]
    return sign_in(context, day, person)


def later(day: Day, clock: str, *, days: int = 0) -> None:
    """Time passes in one step: what was due meanwhile happens now."""
    hour, minute = map(int, clock.split(":"))
    here = day.clock.now().astimezone(handover.days.zone_of(_view(day)))
    then = (here + timedelta(days=days)).replace(hour=hour, minute=minute, second=0)
    day.clock.forward(seconds=(then - here).total_seconds())
    day.settle()


def test_monday_after_a_holiday_the_day_is_signed_for_and_the_holiday_asks_for_nothing(
    chromium: Browser, fresh: Day
) -> None:
    """Christmas Eve and Christmas are no business days, St Stephen's is one: a Saturday."""
    fresh.grants("ana", "responder")
    later(fresh, "06:00", days=30)  # Wednesday 23 December: the last one before the holidays
    later(fresh, "08:00", days=5)  # Monday 28 December
    past = fresh.runtime.db.read(
        lambda tx: handover.checklists.past(tx, "start-of-day", before=None)
    )
    assert {"2026-12-24", "2026-12-25", "2026-12-27"} & {
        one.run.day.isoformat() for one in past
    } == set()
    later(fresh, "06:40", days=1)
    page = opened(chromium, fresh, "ana")
    strip = page.get_by_role("list", name="What is to be signed")
    expect(strip).to_contain_text("Start of day")
    expect(strip).to_contain_text("Ana Keller signs")
    strip.get_by_role("link", name="Work through it").click()
    _waive_nothing_but_answer(page, fresh)
    ends_at = fresh.clock.now() + timedelta(days=2)
    reason = "its job moves to another host"
    waive = on_shift.WaiveItem("start-of-day", "pay-db-backup", "ben", reason, ends_at)
    fresh.act("head-of-ops", waive)
    expect(page.get_by_role("heading", level=1)).to_contain_text("At risk: pay-db-backup (waived")
    page.get_by_label("Note").fill("quiet after the holidays")
    page.get_by_role("button", name="Sign as Ana Keller").click()
    expect(page.get_by_text("Signed by Ana Keller").first).to_be_visible()
    digest = page.locator(".duty-head code").inner_text()
    run = fresh.runtime.db.read(
        lambda tx: handover.checklists.past(tx, "start-of-day", before=None)
    )[0].run
    assert (run.day.isoformat(), run.evidence_hash) == ("2026-12-29", digest)
    page.goto(f"{fresh.url}/checklist-runs/{run.id}/report")
    expect(page.locator("body")).to_contain_text(digest)


def _waive_nothing_but_answer(page: Page, day: Day) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    first = page.locator(".item").filter(has_text="Pay with the test card")
    first.get_by_label("amount (CHF)").fill("1.50")
    first.get_by_label("receipt").set_input_files(
        {"name": "receipt.png", "mimeType": "image/png", "buffer": picture}
    )
    first.get_by_role("button", name="As it should be").click()
    expect(page.locator(".item.ok").filter(has_text="amount 1.5 CHF")).to_be_visible()
    second = page.locator(".item").filter(has_text="The settlement file")
    second.get_by_label("files").fill("3")
    second.get_by_role("button", name="As it should be").click()
    expect(page.locator(".item.ok")).to_have_count(2)
    third = page.locator(".item").filter(has_text="The late shift left nothing open")
    third.get_by_role("button", name="As it should be").click()
    expect(page.locator(".item.ok")).to_have_count(3)
    stored = day.runtime.db.read(
        lambda tx: [bytes(row["content"]) for row in tx.all("SELECT content FROM handover_file")]
    )
    assert stored == [picture], "not a byte is lost on the way"


def test_the_file_did_not_come_and_a_lead_waives_it_until_it_does(
    chromium: Browser, tmp_path: Path, inbox: tuple[Path, int]
) -> None:
    _, port = inbox
    with alpenpay(tmp_path, egress=Egress(allow=(f"127.0.0.1:{port}",))) as day:
        root = shutil.copytree(EXAMPLE, tmp_path / "watched")
        (root / "shift.yaml").write_text(f"""
checks:
  camt-file: {{service: settlement, http: "http://127.0.0.1:{port}/camt.xml", schedule: "30 5 * * *", attempts: 1, expect: ["status == 200"]}}
checklists:
  start-of-day:
    {{name: Start of day, team: payops, opens: "05:35", due: "07:30", signoff: {{by: shift-lead}}, items: [{{run: camt-file}}]}}
""")
        day.act("root", commands.Apply(estate.read(root)), role="admin")
        day.grants("ana", "lead")
        later(day, "05:31", days=1)
        later(day, "07:04")
        page = opened(chromium, day, "ana")
        expect(page.get_by_role("list", name="What is to be signed")).to_contain_text(
            "Not ready: camt-file"
        )
        page.goto(f"{day.url}/checklists/start-of-day")
        item = page.locator(".item.crit")
        expect(item).to_contain_text("At risk: settlement")
        expect(page.get_by_role("button", name="Sign as")).to_have_count(0)
        item.get_by_text("Waive…").click()
        item.get_by_label("Why").fill("the scheme sends it at noon, ticket 4711")
        item.get_by_role("button", name="Waive").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            "At risk: camt-file (waived until"
        )
        page.get_by_role("button", name="Sign as Ana Keller").click()
        expect(page.get_by_text("Signed by Ana Keller").first).to_be_visible()
        page.goto(f"{day.url}/checks/camt-file")
        expect(page.get_by_role("heading", level=1)).to_have_text("camt-file")
        expect(page.locator("main")).to_contain_text("failing")
        expect(page.locator(".said")).to_have_count(0)


def test_a_handover_with_an_open_incident_is_offered_by_one_and_accepted_by_the_next(
    chromium: Browser, tmp_path: Path
) -> None:
    with alpenpay(tmp_path, hands_over=True) as day:
        day.grants("ana", "responder")
        day.grants("ben", "responder")
        day.fires("pay-db", "ReplicaLag", "critical", "pay-db replica r2 lags 31 s, limit 30 s")
        day.act("ana", commands.Acknowledge("INC-1"))
        day.act(
            "ana",
            commands.Picture("INC-1", "r2 lags", "failing over to r3", "ring the vendor at 15:00"),
        )
        later(day, "13:40")
        ana = opened(chromium, day, "ana")
        ana.goto(f"{day.url}/shift")
        ana.get_by_label("Write into the log").fill("Called Nexi, case 4711")
        ana.get_by_role("button", name="Write", exact=True).click()
        expect(ana.locator(".log")).to_contain_text("Called Nexi, case 4711")
        ana.goto(f"{day.url}/handover")
        expect(ana.locator("#p-duty-paper")).to_contain_text("Next: ring the vendor at 15:00")
        expect(ana.get_by_role("button", name="Accept handover")).to_have_count(0)
        ana.get_by_label("In your words").fill("r2 stays out until Nexi calls back")
        ana.get_by_role("button", name="Hand over").click()
        expect(ana.get_by_text("Ana Keller hands over")).to_be_visible()
        ben = opened(chromium, day, "ben", size=PHONE)
        ben.goto(f"{day.url}/handover")
        expect(ben.locator(".said-form textarea")).to_have_value(
            "r2 stays out until Nexi calls back"
        )
        ben.get_by_role("button", name="Accept handover").click()
        expect(ben.get_by_text("Accepted by Ben Okafor").first).to_be_visible()
        (newest,) = day.runtime.db.read(
            lambda tx: handover.passing.newest(tx, team="payops", limit=1)
        )
        assert newest.state == "accepted"
        later(day, "14:30")
        assert not any("handover" in one.text for one in day.ways["ntfy"].pages)


def test_nobody_signs_for_what_they_may_not(chromium: Browser, fresh: Day) -> None:
    """The form is not there, and the door refuses it all the same."""
    later(fresh, "06:40", days=1)
    fresh.grants("dee", "responder")
    run = fresh.runtime.db.read(lambda tx: handover.checklists.open_runs(tx, "start-of-day"))[0]
    page = opened(chromium, fresh, "dee")
    page.goto(f"{fresh.url}/checklist-runs/{run.id}")
    expect(page.locator(".bar.sign")).to_contain_text("Signed by Ana Keller, or a lead of payops.")
    with pytest.raises(Forbidden, match="is signed by shift-lead"):
        fresh.act("dee", on_shift.SignRun(run.id), role="responder")


def _view(day: Day) -> Any:
    return day.runtime.db.read(day.runtime.ground.views.current)
