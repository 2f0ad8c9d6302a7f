"""Draws the installable console's icons from its icon.svg, by Chromium: `.venv/bin/python scripts/icons.py`.

Run it when icon.svg has changed, and commit what it draws. The same picture gives the same pixels.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[1] / "src" / "mainstay" / "console" / "static"
SAFE = "-8 -8 48 48"
"""A maskable icon shows its middle alone, a circle of 80 % across."""


def pictures(svg: str) -> dict[str, tuple[int, str]]:
    """File name → its size in pixels and what to draw."""
    square = re.sub(r'rx="6"', "", svg)
    filled = square.replace(
        '<rect width="32" height="32"', '<rect x="-8" y="-8" width="48" height="48"'
    )
    strokes = re.sub(r"<rect[^>]*/>", "", svg).replace("#fdfcfa", "#fff")
    return {
        "icon-192.png": (192, svg),
        "icon-512.png": (512, svg),
        "icon-180.png": (180, square),  # Apple rounds it itself
        "maskable-512.png": (512, filled.replace("0 0 32 32", SAFE)),
        "badge-96.png": (96, strokes),  # Android takes its transparency alone
    }


def draw() -> None:
    """Every picture, into the folder that the console serves."""
    svg = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (pixels, picture) in pictures(svg).items():
            page = browser.new_page(viewport={"width": pixels, "height": pixels})
            page.set_content(
                f"<style>*{{margin:0}}svg{{display:block;width:100vw}}</style>{picture}"
            )
            page.screenshot(path=STATIC / "push" / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    draw()
