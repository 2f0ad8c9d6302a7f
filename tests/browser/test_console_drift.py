"""Does the comparison of pictures see what has changed, where, and nothing else?"""

from __future__ import annotations

from drift import drift
from playwright.sync_api import Browser, Page

PAPER = "<style>body{margin:0;background:#f4f2ed}div{position:absolute;left:%dpx;top:8px;width:10px;height:10px;background:%s}</style><div></div>"


def shot(page: Page, left: int, colour: str, *, height: int = 60) -> bytes:
    page.set_viewport_size({"width": 80, "height": height})
    page.set_content(PAPER % (left, colour))
    return page.screenshot()


def test_a_picture_has_drifted_by_the_pixels_that_are_others_now(chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    plain = shot(page, 20, "#f4f2ed")
    square = shot(page, 20, "#ad2412")
    moved = shot(page, 25, "#ad2412")
    hair = shot(page, 20, "#af2612")
    taller = shot(page, 20, "#ad2412", height=70)
    found = drift(page, plain, square)
    assert (found.differing, found.total) == (100, 80 * 60)
    assert str(found) == "100 of 4,800 pixels differ (2.083%)"
    assert found.picture.startswith(b"\x89PNG")
    assert drift(page, square, square).differing == 0
    assert drift(page, square, hair).differing == 0, "a hair is none"
    assert drift(page, square, moved).differing == 100
    assert drift(page, square, taller).differing == 80 * 10
    marked = drift(page, found.picture, drift(page, plain, plain).picture)
    assert marked.differing == 100, "the picture of it shows where"
    context.close()
