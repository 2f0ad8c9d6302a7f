"""Does the console work without script, and does the first screen come light over a bad line?"""

from __future__ import annotations

from alpenpay import Day
from playwright.sync_api import Browser, Response, expect
from windows import DESK, PHONE, sign_in, weights

COLD_MAX = 160_000
"""Bytes of the first Today, everything counted."""
WARM_MAX = 60_000
"""Of the second: the document alone."""


def test_reading_and_every_form_work_without_script(chromium: Browser, fresh: Day) -> None:
    fresh.grants("ana", "lead")
    fresh.fires("helpdesk", "Odd", "error", "the desk is odd")
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    page = sign_in(context, fresh, "ana")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody has INC-1 yet")
    page.goto(f"{fresh.url}/incidents/1")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".said")).to_contain_text("ana acknowledged INC-1")
    page.get_by_label("Write into the timeline").fill("/finding the desk was moved")
    page.get_by_role("button", name="Post").click()
    expect(page.locator(".ev.pin")).to_contain_text("the desk was moved")
    page.goto(f"{fresh.url}/incidents/1/act")
    page.select_option("#f-target", "person:ben")
    page.fill("#f-why", "look at this with me")
    page.get_by_role("button", name="Page now").click()
    expect(page.locator("#p-incident-pages")).to_contain_text("Ben Okafor")
    page.goto(f"{fresh.url}/settings")
    page.select_option("#l-t", "dark")
    page.select_option("#l-z", "utc")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".clocks")).to_contain_text("UTC")
    page.get_by_role("button", name="Page me now").click()
    expect(page.locator(".said")).to_contain_text("3 of 3 were taken")
    assert any(sent.incident == "TEST" for sent in fresh.ways["sms"].pages)
    context.close()


def test_the_first_today_is_light_and_the_second_lighter(chromium: Browser, usual: Day) -> None:
    usual.grants("chen", "responder")
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, usual, "chen")
    cold = chromium.new_context(
        viewport=DESK,
        storage_state=context.storage_state(),  # type: ignore[arg-type]
    )
    page = cold.new_page()
    came: list[Response] = []
    page.on("response", lambda one: came.append(one))
    page.goto(f"{usual.url}/", wait_until="load")
    page.evaluate("document.fonts.ready.then(() => 1)")
    first = weights(came)
    assert len(first) > 4, "this was no cold start"
    assert sum(first.values()) <= COLD_MAX, first
    came.clear()
    page.goto(f"{usual.url}/", wait_until="load")
    second = weights(came)
    assert sum(second.values()) <= min(WARM_MAX, sum(first.values())), second
    for one in (cold, context):
        one.close()
