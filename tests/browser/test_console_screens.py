"""Is every screen readable by everybody, in both themes, on a desk and on a phone, under the policy?"""

from __future__ import annotations

import pytest
from alpenpay import Day
from axe_playwright_python.sync_playwright import Axe
from windows import DESK, PHONE, Watched

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
)  # fmt: skip


@pytest.mark.parametrize("path", SCREENS)
def test_a_screen_has_no_fault_for_anybody(usual: Day, ana: Watched, path: str) -> None:
    page, faults = ana.page, []
    ana.faults.clear()
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.goto(usual.url + path)
    for theme, rules in (("light", RULES), ("dark", CONTRAST)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for size in (DESK, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                faults.append(f"{theme} {size['width']}: {over} px too wide")
            for one in Axe().run(page, options=rules).response["violations"]:
                nodes = [node["html"][:160] for node in one["nodes"][:4]]
                faults.append(f"{theme} {size['width']}: {one['id']}: {nodes}")
    assert not faults, "\n".join(faults)
    assert ana.faults == []


def test_the_usual_day_fits_one_desk_without_scrolling(usual: Day, ana: Watched) -> None:
    ana.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    ana.page.goto(usual.url + "/")
    over = ana.page.evaluate(
        "(() => { const m = document.querySelector('main'); return m.scrollHeight - m.clientHeight })()"
    )
    assert over <= 0


def test_what_one_touches_on_a_phone_is_as_large_as_a_thumb(usual: Day, ana: Watched) -> None:
    ana.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    ana.page.goto(usual.url + "/incidents/4")
    small = ana.page.evaluate(
        """[...document.querySelectorAll('main .btn, .tabs a')]
            .filter(it => it.offsetParent !== null)
            .filter(it => it.getBoundingClientRect().height < 40)
            .map(it => it.textContent.trim())"""
    )
    assert small == []
