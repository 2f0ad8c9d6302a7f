"""Takes the pictures of docs/pictures: main screens, desk and phone, light and dark.

Run by `make shots`. The days are scripted (days.py), so that the same code makes the same pictures;
what differs from the committed ones by more than a hair is told.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import days
from alpenpay import Day, alpenpay
from playwright.sync_api import Browser, Page, sync_playwright
from windows import DESK, PHONE, sign_in

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHOTS = {
    "quiet": {"today": "/"},
    "usual": {
        "today": "/", "incident": "/incidents/3", "page-at-night": "/incidents/4", "alerts": "/alerts",
        "services": "/services", "on-call": "/oncall", "silences": "/silences", "why": "{alert}",
        "settings": "/settings",
    },
    "bad": {"today": "/", "alerts": "/alerts", "incidents": "/incidents"},
    "states": {"no-such-screen": "/services/pay-dd", "not-yours": "/silences/new", "nothing-matches": "/alerts?q=kyc"},
}  # fmt: skip
"""Day → name → path."""
STILL = ".live::before { animation: none !important } * { caret-color: transparent !important }"


def main() -> int:
    """Every picture; prints those that have changed."""
    FOLDER.mkdir(exist_ok=True)
    changed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, screens in SHOTS.items():
            with tempfile.TemporaryDirectory() as folder, alpenpay(Path(folder)) as day:
                getattr(days, "usual" if name == "states" else name)(day)
                days.override(day)
                day.grants("ana", *(("viewer",) if name == "states" else ("lead", "admin")))
                changed += _day(browser, day, name, screens)
        browser.close()
    print("changed: " + ", ".join(changed) if changed else "no picture has changed")
    return 0


def _day(browser: Browser, day: Day, name: str, screens: dict[str, str]) -> list[str]:
    changed = []
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, day, "ana")
    page.clock.set_fixed_time(day.clock.now())
    page.goto(f"{day.url}/alerts")
    rows = page.locator(".alert .text")
    alert = rows.nth(1).get_attribute("href") if rows.count() > 1 else ""
    for screen, path in screens.items():
        for theme in ("light", "dark"):
            for kind, size in (("desk", DESK), ("phone", PHONE)):
                file = FOLDER / f"{name}-{screen}-{kind}-{theme}.png"
                before = file.read_bytes() if file.exists() else b""
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                page.set_viewport_size(size)  # type: ignore[arg-type]
                page.goto(day.url + path.format(alert=alert))
                _settled(page)
                page.screenshot(path=file)
                if file.read_bytes() != before:
                    changed.append(file.name)
    context.close()
    return changed


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
