"""Is every screen readable by everybody, in both themes, on a desk and on a phone, under the policy?"""

from __future__ import annotations

import pytest
from alpenpay import Day
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from windows import DESK, PHONE, TABLET, Watched, settled, sign_in

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
CONTRAST = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
}
"""A theme changes colours, and nothing else."""
SCREENS = (
    "/", "/incidents", "/incidents/3", "/incidents/4", "/incidents/3/act", "/incidents/1",
    "/alerts", "/alerts?q=lag", "/alerts?q=nothing-like-it", "/services", "/services/pay-db",
    "/oncall?at=2026-12-05T10:00", "/silences", "/silences/new?matchers=service=pay-api", "/estate",
    "/people", "/record", "/record/verify", "/search?q=pay", "/settings", "/system", "/more", "/wall",
    "/account", "/account/codes", "/accounts", "/accounts/ana", "/accounts/ben", "/estate/edit",
    "/estate/edit/services/fraud", "/estate/edit/schedules/payops-oncall",
    "/estate/edit/escalations/payments-p1", "/estate/files/oncall.yaml",
    "/checklists", "/checklists/start-of-day", "/shift", "/checks", "/checks/pay-db-backup",
)  # fmt: skip


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_has_no_fault_for_anybody(usual: Day, ana: Watched, path: str) -> None:
    ana.faults.clear()
    ana.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    ana.page.goto(usual.url + path)
    _check_all(ana)


def _check_all(watched: Watched) -> None:
    """The screen as it stands, in both themes, on a desk, between the two and on a phone."""
    page, faults = watched.page, []
    for theme, rules in (("light", RULES), ("dark", CONTRAST)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for size in (DESK, TABLET, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                faults.append(f"{theme} {size['width']}: {over} px too wide")
            if size is TABLET:
                continue  # the same words and colours as on the desk, in one column
            for one in Axe().run(page, options=rules).response["violations"]:
                nodes = [node["html"][:160] for node in one["nodes"][:4]]
                faults.append(f"{theme} {size['width']}: {one['id']}: {nodes}")
    assert not faults, "\n".join(faults)
    assert watched.faults == []


def test_what_an_edit_would_do_has_no_fault_for_anybody(usual: Day, ana: Watched) -> None:
    """What only an answer to a form shows: patch, findings, plan."""
    page = ana.page
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.goto(f"{usual.url}/estate/edit/escalations/payments-p1")
    page.fill("#f-not-0", "team:nobody")
    page.get_by_role("button", name="See what it would do").click()
    expect(page.locator(".patch")).to_be_visible()
    _check_all(ana)


def test_a_refusal_that_offers_to_ask_has_no_fault_for_anybody(
    chromium: Browser, usual: Day
) -> None:
    usual.grants("eli", "viewer")
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    watched = Watched(sign_in(context, usual, "eli"))
    for path in ("/silences/new", "/incidents/4", "/oncall"):
        watched.page.goto(usual.url + path)
        expect(watched.page.get_by_role("button", name="Ask them")).to_be_visible()
        watched.faults.clear()  # a refusal is a 403, which the browser tells in its console
        _check_all(watched)
    context.close()


def test_the_usual_day_fits_one_desk_without_scrolling(usual: Day, ana: Watched) -> None:
    ana.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    ana.page.goto(usual.url + "/")
    settled(ana.page)
    over = ana.page.evaluate(
        "(() => { const m = document.querySelector('main'); return m.scrollHeight - m.clientHeight })()"
    )
    assert over <= 0


def test_what_one_touches_on_a_phone_is_as_large_as_a_thumb(usual: Day, ana: Watched) -> None:
    ana.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    ana.page.goto(usual.url + "/incidents/4")
    settled(ana.page)
    small = ana.page.evaluate(
        """[...document.querySelectorAll('main .btn, .tabs a')]
            .filter(it => it.offsetParent !== null)
            .filter(it => it.getBoundingClientRect().height < 40)
            .map(it => it.textContent.trim())"""
    )
    assert small == []
