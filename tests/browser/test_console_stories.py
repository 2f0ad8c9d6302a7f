"""What people live through in the console, in a real browser against a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from alpenpay import PASSWORD, Day
from playwright.sync_api import Browser, Page, expect
from windows import DESK, PHONE, settled, sign_in, until

from mainstay import signin

Opened = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Opened]:
    """Windows of people who are signed in; closed at the end."""
    contexts = []

    def open_one(day: Day, person: str, *, size: object = DESK) -> Page:
        contexts.append(chromium.new_context(viewport=size))  # type: ignore[arg-type]
        return sign_in(contexts[-1], day, person)

    yield open_one
    for one in contexts:
        one.close()


def test_the_first_start_makes_the_first_administrator_in_the_browser(
    chromium: Browser, fresh: Day
) -> None:
    now = fresh.clock.now()
    link = fresh.runtime.db.run(
        lambda tx: signin.make_link(tx, "setup", person=None, made_by="serve", now=now)
    )
    page = chromium.new_page()
    page.goto(fresh.url + signin.PATH + link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Set Mainstay up")
    page.fill("[name=name]", "ana")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{fresh.url}/")
    expect(page.get_by_role("navigation", name="Main")).to_contain_text("People")
    page.goto(f"{fresh.url}/people")
    expect(page.get_by_role("heading", level=1)).to_contain_text("a page can reach 6 of them")


def test_somebody_is_paged_at_three_and_takes_it_with_one_thumb(opened: Opened, fresh: Day) -> None:
    fresh.grants("chen", "responder")
    fresh.at("03:00")
    fresh.fires("pay-db", "Down", "critical", "pay-db does not answer")
    assert any("pay-db does not answer" in page.text for page in fresh.ways["ntfy"].pages)
    page = opened(fresh, "chen", size=PHONE)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody has INC-1 yet")
    page.goto(f"{fresh.url}/incidents/1")
    button = page.get_by_role("button", name="Acknowledge")
    settled(page)
    box = until(page, button.bounding_box, what="a button under the thumb")
    assert box is not None
    assert box["height"] >= 64
    assert box["width"] >= 320
    assert box["y"] > PHONE["height"] * 0.7, "not under the thumb"
    button.tap() if page.evaluate("'ontouchstart' in window") else button.click()
    expect(page.get_by_role("status").filter(has_text="chen acknowledged INC-1")).to_be_visible()
    expect(page.locator("#p-incident-facts")).to_contain_text("Chen Wei")
    fresh.at("03:40")
    assert len({page.incident for page in fresh.ways["ntfy"].pages}) == 1
    asked = [page for page in fresh.ways["ntfy"].pages if page.person != "chen"]
    assert asked == [], "somebody else was paged for it"


def test_an_analyst_silences_with_a_reason_and_sees_what_it_mutes_first(
    opened: Opened, usual: Day
) -> None:
    usual.grants("ben", "responder")
    page = opened(usual, "ben")
    page.goto(f"{usual.url}/alerts")
    page.locator(".alert .text", has_text="fraud scores").click()
    expect(page.get_by_role("heading", name="Why?")).to_be_visible()
    page.locator("main").get_by_role("link", name="Silence").click()
    expect(page.get_by_label("Matches")).to_have_value(re.compile("QueueDepth"))
    preview = page.locator("#p-silences-preview")
    expect(preview).to_contain_text("1\u00a0open alert")
    page.get_by_label("Matches").fill('service="pay-api"')
    expect(preview).to_contain_text("2\u00a0open alerts")
    page.get_by_label("Matches").fill("service~~fraud")
    expect(preview).to_contain_text("is no matcher")
    page.get_by_label("Matches").fill('service="fraud"')
    page.get_by_label("Why").fill("the queue is drained by hand, CHG-901")
    page.locator("main").get_by_role("button", name="Silence").click()
    page.wait_for_url(f"{usual.url}/silences")
    expect(page.locator("main")).to_contain_text("the queue is drained by hand, CHG-901")
    row = page.get_by_role("row").filter(has_text="CHG-901")
    expect(row).to_contain_text("in force")
    row.get_by_role("button", name="End now").click()
    expect(page.get_by_role("row").filter(has_text="CHG-901")).to_contain_text("over")


def test_somebody_without_the_right_is_told_who_has_it(opened: Opened, usual: Day) -> None:
    usual.grants("eli", "viewer")
    usual.grants("chen", "responder")
    page = opened(usual, "eli")
    page.goto(f"{usual.url}/incidents/4")
    expect(page.locator(".acts")).to_contain_text("Responder, lead and admin may")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    answer = page.goto(f"{usual.url}/silences/new")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("alert")).to_contain_text("Only responder, lead and admin may do this")
    expect(page.locator(".ask")).to_contain_text("Chen Wei may silence alerts.")
    chen = opened(usual, "chen")
    settled(chen)
    page.get_by_label("What they should know").fill("the SMS provider migrates at eight")
    page.get_by_role("button", name="Ask them").click()
    expect(page.locator(".said")).to_contain_text("Chen Wei will see it under Yours")
    asked = chen.locator("#p-today-yours li").filter(has_text="Eli Brand asks somebody to silence")
    expect(asked).to_contain_text("the SMS provider migrates at eight")
    asked.get_by_role("button", name="Seen to").click()
    expect(asked).to_have_count(0)
    page.goto(f"{usual.url}/")
    expect(page.get_by_role("link", name="Record")).to_have_count(0)


def test_a_lead_runs_an_incident_from_the_composer(opened: Opened, usual: Day) -> None:
    usual.grants("head-of-ops", "lead")
    page = opened(usual, "head-of-ops")
    page.goto(f"{usual.url}/incidents/3")

    def say(text: str) -> None:
        page.get_by_label("Write into the timeline").fill(text)
        with page.expect_navigation():  # what the stream brings is seen before the answer is
            page.keyboard.press("Control+Enter")

    say("/ack")
    expect(page.locator("#p-incident-facts")).to_contain_text("Priya Raman")
    say("/finding r1 was never upgraded")
    pinned = page.locator(".ev.pin").filter(has_text="r1 was never upgraded")
    expect(pinned).to_contain_text("Priya Raman, finding")
    say("/page eli which report reads r3?")
    expect(page.locator("#p-incident-pages")).to_contain_text("Eli Brand")
    say("/hold vendor")
    expect(page.locator(".inc-head")).to_contain_text("On hold: vendor")
    say("/var/log/pay-db is full of warnings")
    expect(page.get_by_role("alert").filter(has_text="There is no command /var")).to_be_visible()
    typed = page.get_by_label("Write into the timeline")
    expect(typed).to_have_value("/var/log/pay-db is full of warnings")
    say("/monitoring")
    expect(page.locator(".inc-head")).to_contain_text("Monitoring")
    say("/resolve both replicas caught up")
    expect(page.locator(".inc-head")).to_contain_text("Resolved")
    expect(page.locator("#p-incident-timeline")).to_contain_text("both replicas caught up")


def test_many_alerts_are_acknowledged_and_silenced_at_once(opened: Opened, fresh: Day) -> None:
    fresh.grants("ana", "lead")
    for service in ("helpdesk", "unrouted"):
        fresh.fires(service, "Odd", "error", f"{service} is odd")
    page = opened(fresh, "ana")
    page.goto(f"{fresh.url}/alerts")
    expect(page.get_by_role("checkbox")).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Acknowledge").click()
    expect(
        page.get_by_role("status").filter(has_text="2 incidents are acknowledged")
    ).to_be_visible()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Silence").click()
    expect(page.get_by_role("alert").filter(has_text="needs a reason")).to_be_visible()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Reason of the silence").fill("known, a ticket is open")
    page.get_by_role("button", name="Silence").click()
    expect(page.get_by_role("status").filter(has_text="silenced until")).to_be_visible()


def test_an_override_and_a_swap_are_made_by_form(opened: Opened, fresh: Day) -> None:
    fresh.grants("ana", "responder")
    page = opened(fresh, "ana")
    page.goto(f"{fresh.url}/oncall")
    page.select_option("#f-s", "payops-oncall")
    page.select_option("#f-p", "eli")
    page.fill("#f-f", "2026-11-25T08:00")
    page.fill("#f-t", "2026-11-25T07:00")
    page.fill("#f-r", "the dentist")
    page.get_by_role("button", name="Make it so").click()
    expect(page.get_by_role("alert").filter(has_text="ends after it starts")).to_be_visible()
    expect(page.locator("#f-r")).to_have_value("the dentist")
    page.fill("#f-t", "2026-11-25T18:00")
    page.get_by_role("button", name="Make it so").click()
    expect(page.locator("#p-oncall-overrides")).to_contain_text("the dentist")
    page.goto(f"{fresh.url}/oncall?at=2026-11-25T12:00")
    asked = page.locator(".oncall").filter(has_text="payops-oncall")
    expect(asked).to_contain_text("Eli Brand")


def test_a_schedule_is_changed_as_a_patch_to_its_file(opened: Opened, fresh: Day) -> None:
    fresh.grants("ana", "author")
    folder = fresh.runtime.settings.estate
    assert folder is not None
    before = (folder / "oncall.yaml").read_text()
    page = opened(fresh, "ana", size=PHONE)
    page.goto(f"{fresh.url}/oncall")
    page.get_by_role("link", name="change payops-oncall").click()
    turns = page.get_by_label("In turn").first
    expect(turns).to_have_value("ana\nben\ndee from 2026-12-07\neli until 2027-02-28")
    turns.fill("nobody-here\nana")
    page.get_by_role("button", name="See what it would do").click()
    expect(page.locator(".finding").first).to_contain_text("estate/oncall.yaml:10:13 E201")
    expect(page.get_by_role("button", name="Write it")).to_have_count(0)
    turns.fill("ben\nana\ndee from 2026-12-07\neli until 2027-02-28")
    page.get_by_role("button", name="See what it would do").click()
    expect(page.locator(".patch")).to_contain_text("# joins the rotation a week after she starts")
    expect(page.locator(".finding").first).to_contain_text(
        "Ben Okafor is on call for payops-oncall"
    )
    with page.expect_download() as loading:
        page.get_by_role("button", name="Take the patch").click()
    assert loading.value.suggested_filename == "estate.patch"
    assert (folder / "oncall.yaml").read_text() == before
    page.get_by_role("button", name="Write it and put it in force").click()
    expect(page.locator(".said")).to_contain_text(
        "oncall.yaml is written. ana put version 2 in force"
    )
    written = (folder / "oncall.yaml").read_text()
    assert written == before.replace("- ana\n          - ben", "- ben\n          - ana")


def test_everything_is_reached_by_keys(opened: Opened, usual: Day) -> None:
    usual.grants("dee", "responder")
    page = opened(usual, "dee")
    for key, path in (("i", "/incidents"), ("a", "/alerts"), ("s", "/services"), ("c", "/oncall"),
                      ("m", "/silences"), ("t", "/")):  # fmt: skip
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(usual.url + path)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("acknowledge")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/incidents/\d+$"))
    page.keyboard.press("u")
    expect(page.get_by_label("Write into the timeline")).to_be_focused()
    page.keyboard.type("gta is no jump while one types")
    expect(page).to_have_url(re.compile(r"/incidents/\d+$"))
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("INC-1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/search\?q=INC-1"))
    page.keyboard.press("d")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    with page.expect_navigation():
        page.keyboard.press("z")
    expect(page.locator("#clock-utc")).to_have_count(0)  # all is in UTC: it needs no second clock
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_copying_a_time_copies_iso_8601(chromium: Browser, usual: Day) -> None:
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=usual.url)
    usual.grants("chen", "responder")
    page = sign_in(context, usual, "chen")
    page.goto(f"{usual.url}/incidents/3")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.ev time'))")
    page.keyboard.press("Control+c")
    wanted = "2026-11-24T06:18:00+01:00"
    read = "navigator.clipboard.readText()"
    until(page, lambda: page.evaluate(read) == wanted, what=f"{wanted} on the clipboard")


def test_one_adds_an_address_and_proves_it_with_the_code_that_is_sent_there(
    opened: Opened, fresh: Day
) -> None:
    fresh.grants("eli", "responder")
    page = opened(fresh, "eli", size=PHONE)
    page.goto(f"{fresh.url}/settings")
    page.select_option("#a-k", "ntfy")
    page.fill("#a-a", "eli-at-home")
    page.get_by_role("button", name="Add").first.click()
    expect(page.locator("main")).to_contain_text("not proved")
    page.get_by_role("button", name="Send a code there").click()
    expect(page.get_by_role("status").filter(has_text="A code is on its way")).to_be_visible()
    code = fresh.ways["ntfy"].pages[-1].subject.removeprefix("Mainstay code ")
    page.get_by_label("Code").fill("00000000")
    page.get_by_role("button", name="Prove it").click()
    expect(page.get_by_role("alert").filter(has_text="not the code")).to_be_visible()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Prove it").click()
    expect(page.locator("main")).to_contain_text("proved 08:00")
