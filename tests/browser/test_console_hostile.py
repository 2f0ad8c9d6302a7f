"""Does anything that somebody wrote run as script, or break the policy, on any screen? (P23)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from alpenpay import Day, alpenpay
from playwright.sync_api import Browser, BrowserContext, Page, expect
from windows import DESK, sign_in, until

from mainstay import handover
from mainstay.acts import commands
from mainstay.acts.shift import commands as on_shift
from mainstay.alerts import Matcher
from mainstay.oncall import Wanted

PAYLOADS = (
    "<script>hit()</script>", "<img src=x onerror=hit()>", "<svg onload=hit()>", "<svg/onload=hit()//",
    "'\"><script>hit()</script>", "\"><img src=x onerror=hit()>", "' onmouseover='hit()", "\" autofocus onfocus=hit() x=\"",
    "javascript:hit()", "<a href=javascript:hit()>x</a>", "<iframe srcdoc='<script>parent.hit()</script>'>",
    "<math><mtext></mtext><script>hit()</script>", "<details open ontoggle=hit()>", "<video><source onerror=hit()>",
    "</title><script>hit()</script>", "</textarea><script>hit()</script>", "</option></select><script>hit()</script>",
    "{{7*7}}{% print(1) %}", "${hit()}", "<template><script>hit()</script></template>", "<style>@import 'javascript:hit()'</style>",
    "<meta http-equiv=refresh content='0;url=javascript:hit()'>", "<base href='https://evil.example/'>",
    "<form action=javascript:hit()><button>x</button></form>", "<object data=javascript:hit()>", "<embed src=javascript:hit()>",
    "<div hx-get=/sign-out hx-trigger=load>", "<p hx-on:load='hit()'>", "\u2028hit()\u2029", "<!--><script>hit()</script>-->",
)  # fmt: skip
SCREENS = (
    "/", "/incidents", "/incidents/1", "/incidents/1/act", "/alerts", "/alerts?state=all", "/silences", "/oncall",
    "/services", "/services/helpdesk", "/record", "/search?q=%3Cscript%3Ehit()%3C/script%3E", "/people", "/settings",
    "/system", "/estate", "/silences/new?matchers=%22%3E%3Cscript%3Ehit()%3C/script%3E", "/wall", "/more",
    "/alerts?q=%22%3E%3Cimg%20src%3Dx%20onerror%3Dhit()%3E", "/incidents/%3Cscript%3Ehit()%3C%2Fscript%3E",
    "/record?actor=%22%3E%3Csvg%20onload%3Dhit()%3E", "/services/%22%3E%3Cscript%3Ehit()", "/parts/alerts/list?q=%3Cscript%3E",
    "/account", "/accounts", "/accounts/ana", "/accounts/%3Cscript%3Ehit()%3C%2Fscript%3E", "/estate/edit?q=%22%3E%3Cscript%3Ehit()",
    "/checklists", "/checklists/start-of-day", "/shift", "/handover", "/checks",
    "/estate/files/hostile.yaml", "/estate/edit/services/hostile", "/estate/edit/services/%3Cscript%3Ehit()%3C%2Fscript%3E",
)  # fmt: skip


HOSTILE = f"""\
# {" ".join(PAYLOADS[:20])}
services:
  hostile: {{tier: 3, owner: payops, name: {json.dumps(PAYLOADS[1])}, about: {json.dumps(PAYLOADS[4])}}}
"""


@dataclass
class Visited:
    """A signed-in page, and every report of the policy and every hit."""

    day: Day
    page: Page
    reports: list[str]


@pytest.fixture(scope="module")
def visited(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    folder = tmp_path_factory.mktemp("hostile")
    with alpenpay(folder, hands_over=True) as day:
        (folder / "estate" / "hostile.yaml").write_text(HOSTILE)
        _poison(day)
        day.grants("ana", "lead", "admin")
        context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
        reports = _watch(context)
        page = sign_in(context, day, "ana")
        reports.clear()
        yield Visited(day, page, reports)
        context.close()


def _watch(context: BrowserContext) -> list[str]:
    reports: list[str] = []
    context.expose_function("hit", lambda: reports.append("a script ran"))
    context.expose_function("policy", lambda words: reports.append(f"policy: {words}"))
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => "
        "policy(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))"
    )
    return reports


def _poison(day: Day) -> None:
    """Every payload in every field that somebody else may write."""
    now = day.clock.now()
    for number, payload in enumerate(PAYLOADS):
        labels = {"payload": payload, f"n{number}": payload}
        day.fires("helpdesk", f"A{number}", "error", payload, labels=labels)
        day.act("ana", commands.Note("INC-1", payload))
        kind = ("finding", "decision", "update")[number % 3]
        day.act("ana", commands.Note("INC-1", payload, kind))  # type: ignore[arg-type]
        matcher = Matcher("payload", "=", payload + "!")
        day.act("ana", commands.AddSilence((matcher,), now, now + timedelta(hours=9), payload))
        day.changes("helpdesk", payload)
        start = now + timedelta(hours=number + 1)
        wanted = Wanted("payops-oncall", "eli", start, start + timedelta(minutes=30), payload)
        day.act("ana", commands.AddOverrides((wanted,)))
    everything = " ".join(PAYLOADS)
    _poison_shift(day, everything)
    day.act("ana", commands.Picture("INC-1", everything, everything, everything))
    day.act("ana", commands.AddAddress("ana", "mail", "<script>hit()</script>@example.org"))


def _poison_shift(day: Day, everything: str) -> None:
    """What people type into a checklist, the log and a handover."""
    run = day.act("ana", on_shift.OpenRun("start-of-day")).value
    plain = everything.replace("\u2028", " ").replace("\u2029", " ")
    words = plain[:1_900]
    day.act("ana", on_shift.AnswerItem(run.id, "settlement-file", {}, failed=True, words=words))
    picture = b"\x89PNG\r\n\x1a\n<script>hit()</script>"
    name = "<img src=x onerror=hit()>.png"
    day.act("ana", on_shift.AttachFile(run.id, "card-payment", "receipt", name, picture))
    until = day.clock.now() + timedelta(days=2)
    day.act("ana", on_shift.WaiveItem("start-of-day", "pay-db-backup", "ana", words, until))
    for payload in PAYLOADS:
        day.act("ana", on_shift.WriteLog("payops", payload))
        day.act("ana", on_shift.AddFollowUp("payops", payload))
    later = day.clock.now().replace(hour=12, minute=45)
    day.clock.forward(seconds=max(0.0, (later - day.clock.now()).total_seconds()))
    day.settle()
    newest = day.runtime.db.read(lambda tx: handover.passing.newest(tx, team="payops", limit=1))
    for one in newest:
        day.act("ana", on_shift.EditHandover(one.id, plain))


@pytest.mark.parametrize("path", SCREENS)
def test_nothing_that_somebody_wrote_runs(visited: Visited, path: str) -> None:
    visited.page.goto(visited.day.url + path)
    for box in visited.page.locator("main [tabindex], main input, main a").all()[:20]:
        if box.is_visible():
            box.hover(force=True)
    visited.page.evaluate("new Promise(done => setTimeout(done, 0))")
    assert visited.reports == []


@pytest.mark.parametrize("path", ["/estate/edit/services/hostile", "/estate/files/hostile.yaml"])
def test_nothing_that_was_typed_into_an_edit_runs(visited: Visited, path: str) -> None:
    page = visited.page
    page.goto(visited.day.url + path)
    everything = " ".join(PAYLOADS).replace("\u2028", "").replace("\u2029", "")
    for field, text in (
        ("[name=name]", everything[:200]),
        ("[name=depends]", "\n".join(PAYLOADS[:20])),
        ("[name=text]", everything),
    ):
        for box in page.locator(f"main textarea{field}:visible, main input{field}:visible").all():
            box.fill(text)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cannot be put in force")
    page.evaluate("new Promise(done => setTimeout(done, 0))")
    assert visited.reports == []


def test_what_somebody_asks_for_is_harmless_to_whoever_may(
    chromium: Browser, visited: Visited
) -> None:
    day = visited.day
    day.grants("eli", "viewer")
    context = chromium.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = sign_in(context, day, "eli")
    for number, payload in enumerate(
        ("<img src=x onerror=hit()>", "javascript:hit()", "'\"><script>hit()</script>")
    ):
        page.goto(f"{day.url}/incidents/1?n={number}")
        page.get_by_label("What they should know").fill(payload)
        page.evaluate(
            f"document.querySelector('.ask [name=about]').value = '/{number}\"><svg onload=hit()>'"
        )
        page.get_by_role("button", name="Ask them").click()
        expect(page.get_by_role("status").filter(has_text="Asked")).to_be_visible()
    context.close()
    visited.page.goto(day.url + "/")
    expect(visited.page.locator("#p-today-yours")).to_contain_text("<img src=x onerror=hit()>")
    assert visited.reports == []


def test_every_alert_s_own_screen_is_as_harmless(visited: Visited) -> None:
    visited.page.goto(visited.day.url + "/alerts?state=all")
    hrefs = visited.page.eval_on_selector_all(".alert .text", "all => all.map(a => a.href)")
    assert len(hrefs) >= len(PAYLOADS)
    for href in hrefs:
        visited.page.goto(href)
    assert visited.reports == []


def test_a_payload_is_shown_as_it_was_written(visited: Visited) -> None:
    visited.page.goto(visited.day.url + "/incidents/1?only=notes")
    shown = visited.page.locator("#timeline").inner_text()
    for payload in PAYLOADS[:20]:
        assert payload.strip() in shown


def test_the_watch_itself_sees_a_script_and_a_report(chromium: Browser, tmp_path: Path) -> None:
    """Sabotage: without escaping, this page would have been found."""
    context = chromium.new_context()
    reports = _watch(context)
    page = context.new_page()
    page.route(
        "http://watch.test/**",
        lambda route: route.fulfill(
            body="<script>hit()</script><img src='https://evil.example/x'>", content_type="text/html",
            headers={"content-security-policy": "img-src 'none'"},
        ),
    )  # fmt: skip
    page.goto("http://watch.test/")
    until(page, lambda: "a script ran" in reports, what="the script")
    until(page, lambda: any("img-src" in one for one in reports), what="the report")
    context.close()
