"""Is the console live: what happens is seen, what one types stays, and a lost stream is told?"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest
from alpenpay import Day
from playwright.sync_api import Browser, Page, Route, expect
from windows import DESK, settled, sign_in, until

from mainstay.acts import commands
from peers import wait_until

EVENTS = 8
LATENCY = """
() => { window.seen = []; new MutationObserver(() => { window.seen.push(Date.now()) })
  .observe(document.querySelector('#timeline'), {subtree: true, childList: true, characterData: true}) }
"""


@pytest.fixture
def page(chromium: Browser, fresh: Day) -> Iterator[Page]:
    fresh.grants("ana", "lead")
    fresh.fires("helpdesk", "Odd", "error", "the desk is odd")
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    yield sign_in(context, fresh, "ana")
    context.close()


def test_what_happens_elsewhere_is_seen_here_and_what_one_types_stays(
    page: Page, fresh: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    page.goto(f"{fresh.url}/incidents/1")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    box = page.get_by_label("Write into the timeline")
    box.fill("half a thought")
    box.focus()
    page.evaluate(LATENCY)
    waited = []
    for number in range(EVENTS):
        before = page.evaluate("Date.now()")
        fresh.act("ben", commands.Note("INC-1", f"note number {number}"))
        expect(page.locator("#timeline")).to_contain_text(f"note number {number}")
        waited.append(page.evaluate(f"window.seen.find(at => at >= {before}) - {before}"))
        next_at = before + 1_050  # a name is said once a second
        wait_until(lambda at=next_at: page.evaluate("Date.now()") > at, within_s=5, what="a second")
    expect(box).to_have_value("half a thought")
    expect(box).to_be_focused()
    with capsys.disabled():
        print(f"\nevent to page: median {statistics.median(waited):.0f} ms of {sorted(waited)}")


def test_today_follows_an_incident_without_being_touched(page: Page, fresh: Day) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody has INC-1 yet")
    fresh.act("ben", commands.Acknowledge("INC-1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("which Ben Okafor has")
    fresh.fires("helpdesk", "Odd", "error", "the desk is odd", over=True)
    expect(page.locator("#p-today-incidents")).to_contain_text("No open incidents.")
    expect(page.locator(".rail")).not_to_contain_text("minor")


def test_a_part_that_could_not_be_fetched_is_asked_for_again(page: Page, fresh: Day) -> None:
    settled(page)
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        if len(failed) < 2:
            failed.append(route.request.url)
            route.abort() if len(failed) == 1 else route.fulfill(status=503, body="full")
        else:
            route.continue_()

    page.route("**/parts/today/head*", fail_once)
    fresh.act("ben", commands.Acknowledge("INC-1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("which Ben Okafor has")
    assert len(failed) == 2


def test_a_stream_that_never_began_is_begun_anew(page: Page, fresh: Day) -> None:
    refused: list[str] = []

    def refuse_first(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, body="full")

    page.route("**/events*", refuse_first)
    page.goto(f"{fresh.url}/incidents/1")
    until(page, lambda: refused, what="the first try")
    fresh.act("ben", commands.Note("INC-1", "said to nobody"))
    expect(page.locator("#timeline")).to_contain_text("said to nobody")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#live")).to_have_attribute("data-state", "on")


def test_what_happened_between_the_screen_and_its_stream_is_not_lost(
    page: Page, fresh: Day
) -> None:
    page.route("**/events*", lambda route: None)  # the stream is slow to come
    page.goto(f"{fresh.url}/incidents/1", wait_until="domcontentloaded")
    fresh.act("ben", commands.Note("INC-1", "said in the gap"))
    after = page.locator("#stream").get_attribute("hx-sse:connect")
    page.unroute("**/events*")
    page.evaluate("document.querySelector('#stream').remove()")
    page.evaluate(
        """after => { const it = document.createElement('div'); it.id = 'stream';
        it.setAttribute('hx-sse:connect', after); document.body.append(it); htmx.process(it) }""",
        after,
    )
    expect(page.locator("#timeline")).to_contain_text("said in the gap")


def test_a_lost_stream_is_told_within_seconds_and_a_new_one_catches_up(
    page: Page, fresh: Day
) -> None:
    page.goto(f"{fresh.url}/incidents/1")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    expect(page.locator("#lost")).to_be_hidden()
    page.clock.install()
    page.context.set_offline(True)

    def is_told() -> bool:
        page.clock.run_for(12_000)  # again, should a last beat have come meanwhile
        return page.locator("#lost").is_visible()

    wait_until(is_told, within_s=60, what="the banner")
    expect(page.locator("#lost")).to_contain_text("Paging continues without this screen")
    fresh.act("ben", commands.Note("INC-1", "while nobody looked"))
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#timeline")).to_contain_text("while nobody looked")


def test_a_part_that_fails_says_so_and_leaves_the_rest(
    page: Page, fresh: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("mainstay.changes.recent", broken)
    page.goto(f"{fresh.url}/")
    expect(page.get_by_role("alert").filter(has_text="Changes could not be read.")).to_be_visible()
    expect(page.locator("#p-today-incidents")).to_contain_text("the desk is odd")
    assert "on fire" not in page.content()


def test_the_server_stops_though_a_screen_listens(page: Page, fresh: Day) -> None:
    page.goto(f"{fresh.url}/")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    assert fresh.server is not None
    fresh.server.config.timeout_graceful_shutdown = 300  # without us, it would wait so long
    fresh.server.should_exit = True
    fresh.thread.join(timeout=60)
    assert not fresh.thread.is_alive(), "the open stream holds the server up"
