"""Windows onto the console: their sizes, somebody who signs in, and what goes wrong in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from alpenpay import PASSWORD, Day
from playwright.sync_api import BrowserContext, Page, Response, expect

from peers import wait_until

T = TypeVar("T")
DESK = {"width": 1440, "height": 900}
TABLET = {"width": 900, "height": 900}
PHONE = {"width": 390, "height": 844}


class Watched:
    """A page of a browser, and everything that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", lambda line: self._line(line.type, line.text))

    def _line(self, kind: str, text: str) -> None:
        if "net::ERR_" in text:
            return  # a connection that ended, as it does when one goes on to another screen
        if "Content Security Policy" in text or kind == "error":
            self.faults.append(f"{kind}: {text}")


def sign_in(context: BrowserContext, day: Day, person: str) -> Page:
    """Somebody comes in by their invitation and chooses a password."""
    page = context.new_page()
    page.goto(day.url + day.link(person))
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{day.url}/")
    return page


def until(page: Page, question: Callable[[], T], *, what: str) -> T:
    """As `wait_until`, while the browser goes on telling what happens in it."""

    def ask() -> T:
        page.evaluate("1")
        return question()

    return wait_until(ask, within_s=60, what=what)


def settled(page: Page) -> None:
    """The letters are drawn, and the screen hears what happens."""
    page.evaluate("document.fonts.ready.then(() => 1)")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")


def weights(came: list[Response]) -> dict[str, int]:
    """Bytes of each answer as it came over the line, headers included; parts and the stream aside."""
    sizes = {}
    for one in list(came):
        if "/parts/" not in one.url and "/events" not in one.url:
            got = one.request.sizes()
            sizes[one.url] = got["responseBodySize"] + got["responseHeadersSize"]
    return sizes
