"""Takes the pictures of docs/pictures: main screens, desk and phone, light and dark.

Run by `make shots`. The days are scripted (days.py), so that the same code makes the same pictures.
What has drifted from the committed ones is told, in pixels, with a picture of where in build/shots;
a picture of which no pixel differs is left as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import days
from alpenpay import Day, alpenpay
from drift import drift
from playwright.sync_api import Browser, Page, sync_playwright
from windows import DESK, PHONE, sign_in

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHOTS = {
    "quiet": {"today": "/"},
    "usual": {
        "today": "/", "incident": "/incidents/3", "page-at-night": "/incidents/4", "alerts": "/alerts",
        "services": "/services", "on-call": "/oncall", "silences": "/silences", "why": "{alert}",
        "settings": "/settings", "start-of-day": "/checklists/start-of-day", "shift": "/shift", "account": "/account", "accounts": "/accounts", "edit": "/estate/edit/schedules/payops-oncall",
    },
    "bad": {"today": "/", "alerts": "/alerts", "incidents": "/incidents"},
    "states": {"no-such-screen": "/services/pay-dd", "not-yours": "/silences/new", "nothing-matches": "/alerts?q=kyc"},
}  # fmt: skip
"""Day → name → path."""
DRIFTS = FOLDER.parents[1] / "build" / "shots"
STILL = ".live::before { animation: none !important } * { caret-color: transparent !important }"


def _ben_first(page: Page) -> None:
    page.fill("#f-ord-0", "ben\nana\ndee from 2026-12-07\neli until 2027-02-28")
    page.get_by_role("button", name="See what it would do").click()
    page.locator(".patch").wait_for()


TYPED: Mapping[str, Callable[[Page], None]] = {"edit": _ben_first}
"""What is typed before the picture is taken."""


def main() -> int:
    """Every picture; prints how far each has drifted."""
    FOLDER.mkdir(exist_ok=True)
    shutil.rmtree(DRIFTS, ignore_errors=True)
    DRIFTS.mkdir(parents=True)
    told = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, screens in SHOTS.items():
            with tempfile.TemporaryDirectory() as folder, alpenpay(Path(folder)) as day:
                getattr(days, "usual" if name == "states" else name)(day)
                days.override(day)
                day.grants("ana", *(("viewer",) if name == "states" else ("lead", "admin")))
                day.grants("head-of-ops", "lead")
                told += _day(browser, day, name, screens)
        browser.close()
    print("\n".join(told) if told else "no picture has drifted")
    return 0


def _day(browser: Browser, day: Day, name: str, screens: dict[str, str]) -> list[str]:
    told = []
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, day, "ana")
    page.clock.set_fixed_time(day.clock.now())
    page.goto(f"{day.url}/alerts")
    rows = page.locator(".alert .text")
    alert = rows.nth(1).get_attribute("href") if rows.count() > 1 else ""
    blank = browser.new_page()
    for screen, path in screens.items():
        for theme in ("light", "dark"):
            for kind, size in (("desk", DESK), ("phone", PHONE)):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                page.set_viewport_size(size)  # type: ignore[arg-type]
                page.goto(day.url + path.format(alert=alert))
                if screen in TYPED:
                    TYPED[screen](page)
                _settled(page)
                told += _kept(blank, f"{name}-{screen}-{kind}-{theme}.png", page.screenshot())
    blank.close()
    context.close()
    return told


def _kept(blank: Page, name: str, picture: bytes) -> list[str]:
    """Keep the picture if a pixel of it differs, and say how many do."""
    file = FOLDER / name
    if not file.exists():
        file.write_bytes(picture)
        return [f"{name}: new"]
    before = file.read_bytes()
    if before == picture:
        return []
    found = drift(blank, before, picture)
    if not found.differing:
        return []
    file.write_bytes(picture)
    (DRIFTS / name).write_bytes(found.picture)
    return [f"{name}: {found}"]


def _settled(page: Page) -> None:
    page.evaluate("document.fonts.ready.then(() => 1)")
    page.evaluate(
        "text => { const sheet = new CSSStyleSheet(); sheet.replaceSync(text);"
        " document.adoptedStyleSheets.push(sheet) }",
        STILL,
    )
    if page.locator("#live").count():
        page.locator("#live[data-state=on]").wait_for(state="attached")


if __name__ == "__main__":
    sys.exit(main())
