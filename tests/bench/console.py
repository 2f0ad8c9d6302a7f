"""Every figure of the console in one run: how long the server takes, how much comes over the line, how
soon what happens is seen. Run by `make screens`; what it prints goes into docs/performance.md.
"""

from __future__ import annotations

import gzip
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alpenpay import PASSWORD, Day, alpenpay
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright
from windows import DESK, sign_in, weights

from mainstay import estate, people
from mainstay.acts import commands
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Renderer
from mainstay.console.desk.tables import PARTS, SHOWINGS
from mainstay.console.kit import make_kit
from mainstay.foundation import record
from mainstay.people import Grant
from mainstay.web import Call
from peers import wait_until

ROUNDS = 30
EVENTS = 15
STATIC = Path(__file__).resolve().parents[2] / "src/mainstay/console/static"
OBSERVE = """
() => { window.seen = []; new MutationObserver(() => window.seen.push(Date.now()))
  .observe(document.querySelector('#timeline'), {subtree: true, childList: true, characterData: true}) }
"""


def main() -> None:
    """Both sizes, then what a browser sees."""
    for alerts, paths in (
        (200, ("/", "/services", "/parts/today/head")),
        (10_000, ("/alerts?severity=error", "/alerts", "/", "/alerts?q=host+h99")),
    ):
        with _day() as day:
            many(day, 500, alerts)
            session = cookie(day, "ana")
            print(f"\n500 services, {alerts:,} open alerts")
            for path in ("/", "/alerts"):
                _say(f"{path} made, wall", _timed(_maker(day, path), time.perf_counter))
                _say(f"{path} made, CPU", _timed(_maker(day, path), time.process_time))
            for path in paths:
                _say(f"{path} over HTTP", _timed(_getter(day, path, session), time.perf_counter))
    print("\nin Chromium")
    print(f"{'all script, gzip':<38} {_script_bytes():,} bytes")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        with _day() as day:
            _weigh(browser, day)
            _say("an act elsewhere until it is seen", _latency(browser, day))
        browser.close()


@contextmanager
def _day() -> Iterator[Day]:
    with tempfile.TemporaryDirectory() as folder, alpenpay(Path(folder)) as day:
        yield day


def many(day: Day, services: int, alerts: int) -> None:
    """So many services, each needing the one before; so many open alerts on forty of them."""
    found = day.runtime.db.read(day.runtime.ground.views.current).estate
    more = {
        f"svc-{n}": estate.Service(
            tier=1 + n % 3, owner="payops", depends=[f"svc-{n - 1}"] if n % 5 else []
        )
        for n in range(services - len(found.services))
    }  # fmt: skip
    applied = found.model_copy(update={"services": found.services | more})
    day.act("root", commands.Apply(applied), role="admin")
    _fire(day, alerts)


def _fire(day: Day, alerts: int) -> None:
    now = day.clock.now().isoformat()
    items = [
        {
            "labels": {"alertname": f"A{n}", "service": f"svc-{(n % 40) * 5}", "severity": "error", "host": f"h{n}"},
            "annotations": {"summary": f"svc-{n % 40} fails on host h{n}"},
            "startsAt": now, "endsAt": "2027-01-01T00:00:00Z",
        }
        for n in range(alerts)
    ]  # fmt: skip
    for at in range(0, alerts, 400):
        day._post("/api/v2/alerts", items[at : at + 400], "prometheus")
        day.settle()


# -- the server ------------------------------------------------------------------------------------


def _timed(work: Callable[[], Any], clock: Callable[[], float]) -> list[float]:
    """Milliseconds of each of the rounds; the first, which warms up, is left out."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = clock()
        work()
        times.append((clock() - began) * 1000)
    return times


def _say(what: str, times: list[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{what:<38} median {statistics.median(ordered):6.1f} ms   p95 {p95:6.1f} ms")


def _maker(day: Day, path: str) -> Callable[[], str]:
    """Reads and renders a whole screen, as the server does between the request and its answer."""
    templates = make_kit(day.runtime, None).templates
    renderer = Renderer(templates, {one.name: one for one in PARTS})
    showing = next(one for one in SHOWINGS if one.path == path)
    actor = people.Actor("person", "ana", (Grant("lead"), Grant("admin")), session_id="bench")

    def make() -> str:
        call = Call(day.runtime, actor, day.runtime.clock.now())
        reader = Reader(call, call.view(), path, "csrf")
        return day.runtime.db.read(
            lambda tx: renderer.screen(showing, reader, tx, made_after=record.last_seq(tx))
        )

    return make


def cookie(day: Day, person: str) -> str:
    """A session, by an invitation."""
    day.grants(person, "lead", "admin")
    body = f"password={PASSWORD}&again={PASSWORD}".replace(" ", "+")
    headers = {"Origin": day.url, "Content-Type": "application/x-www-form-urlencoded"}
    answer = _ask(day, "POST", day.link(person), body, headers)
    return str(answer.getheader("set-cookie")).partition(";")[0]


def _getter(day: Day, path: str, session: str) -> Callable[[], None]:
    def get() -> None:
        answer = _ask(day, "GET", path, None, {"Cookie": session})
        assert answer.status == 200, (path, answer.status)

    return get


def _ask(day: Day, method: str, path: str, body: str | None, headers: Any) -> Any:
    assert day.server is not None
    connection = http.client.HTTPConnection("127.0.0.1", day.server.port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


# -- the browser -----------------------------------------------------------------------------------


def _script_bytes() -> int:
    scripts = [*STATIC.glob("*.js"), *STATIC.glob("vendor/*.js"), *STATIC.glob("push/*.js")]
    return sum(len(gzip.compress(one.read_bytes(), 9, mtime=0)) for one in scripts)


def _weigh(browser: Browser, day: Day) -> None:
    """The first Today, nothing cached, and the second: headers and bodies as they came."""
    day.grants("chen", "lead")
    day.fires("pay-db", "Lag", "critical", "pay-db lags 31 s")
    first = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    sign_in(first, day, "chen")
    context = browser.new_context(viewport=DESK, storage_state=first.storage_state())  # type: ignore[arg-type]
    page, came = context.new_page(), list[Response]()
    page.on("response", lambda one: came.append(one))
    for what in ("first Today, cold", "second Today, warm"):
        came.clear()
        page.goto(f"{day.url}/", wait_until="load")
        page.evaluate("document.fonts.ready.then(() => 1)")
        print(f"{what:<38} {sum(weights(came).values()):,} bytes")
    context.close()
    first.close()


def _latency(browser: Browser, day: Day) -> list[float]:
    """From an act that is committed until its line stands in the timeline, in milliseconds."""
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, day, "chen")
    page.goto(f"{day.url}/incidents/1")
    expect(page.locator("#live")).to_have_attribute("data-state", "on")
    page.evaluate(OBSERVE)
    waited = [_once(page, day, number) for number in range(EVENTS)]
    context.close()
    return waited


def _once(page: Page, day: Day, number: int) -> float:
    before = page.evaluate("Date.now()")
    day.act("ben", commands.Note("INC-1", f"note number {number}"))
    expect(page.locator("#timeline")).to_contain_text(f"note number {number}")
    waited = page.evaluate(f"window.seen.find(at => at >= {before}) - {before}")
    wait_until(  # a name is said once a second
        lambda: page.evaluate("Date.now()") > before + 1_050, within_s=10, what="a second"
    )
    return float(waited)


if __name__ == "__main__":
    sys.exit(main())
