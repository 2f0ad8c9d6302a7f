"""Does the incident room say what most likely went wrong, and take people's word on it?"""

from __future__ import annotations

import os

from alpenpay import Day
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from test_console_screens import RULES
from windows import DESK, PHONE, Watched, settled, sign_in

from mainstay import changes


def broken(day: Day) -> None:
    """pay-db is down, pay-api suffers, and somebody has deployed pay-api."""
    day.grants("ben", "responder")
    now = day.clock.now()
    day.runtime.db.run(
        lambda tx: changes.record_change(
            tx, day.runtime.ground.ids, source="gitlab", service="pay-api",
            summary="Payment API 4.2.0", at=now, facts={}, receipt="rcp_1", now=now,
        )
    )  # fmt: skip
    day.fires("pay-db", "Down", "critical", "pay-db does not answer")
    day.fires("pay-api", "ErrorRate", "critical", "Payments fail")
    day.clock.forward(seconds=40)  # the incident has grown, and its cause is sought again
    day.settle()


def test_what_fails_below_is_shown_as_likely_and_confirmed_by_hand(
    chromium: Browser, fresh: Day
) -> None:
    broken(fresh)
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, fresh, "ben")
    page.goto(f"{fresh.url}/incidents/1")
    causes = page.locator("#p-incident-causes")
    expect(causes.locator(".cause").first).to_contain_text("likely")
    expect(causes.locator(".cause").first).to_contain_text("pay-db does not answer")
    expect(causes.locator(".means")).to_contain_text("Card checkout for 2 400 merchants may suffer")
    causes.get_by_role("button", name="Confirm").first.click()
    expect(page.get_by_role("status").filter(has_text="confirmed the cause")).to_be_visible()
    expect(causes.locator(".cause").first).to_contain_text("confirmed")
    causes.get_by_role("button", name="Rule out").nth(1).click()
    expect(causes.locator("summary")).to_contain_text("Ruled out")
    context.close()


def test_the_causes_have_no_fault_for_anybody(chromium: Browser, fresh: Day) -> None:
    broken(fresh)
    faults = []
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, fresh, "ben")
    watched = Watched(page)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.goto(f"{fresh.url}/incidents/1")
            expect(page.locator("#causes .cause").first).to_be_visible()
            settled(page)
            found = Axe().run(page, context="#causes", options=RULES).response["violations"]
            faults += [(theme, one["id"], one["nodes"][0]["html"][:160]) for one in found]
            box = page.locator("#causes .judge .btn").first.bounding_box()
            assert box is not None
            assert box["height"] >= (44 if size is PHONE else 24)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], "it scrolls sideways"
            if folder := os.environ.get("MAINSTAY_SHOTS"):
                page.locator("#causes").screenshot(path=f"{folder}/{size['width']}-{theme}.png")
    assert faults == []
    assert watched.faults == []
    context.close()


def test_without_script_a_cause_is_confirmed_by_its_form(chromium: Browser, fresh: Day) -> None:
    broken(fresh)
    context = chromium.new_context(viewport=DESK, java_script_enabled=False)  # type: ignore[arg-type]
    page = sign_in(context, fresh, "ben")
    page.goto(f"{fresh.url}/incidents/1")
    page.locator("#causes").get_by_role("button", name="Confirm").first.press("Enter")
    expect(page.locator("body")).to_contain_text("confirmed the cause of INC-1")
    context.close()
