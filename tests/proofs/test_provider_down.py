"""A provider is down in every way that providers are (P5): the next channel comes within a minute.

One real server, one person for each way and kind: their first address is broken so, their second
works. What went wrong stands on the incident, and nothing is called accepted that nobody accepted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from install import ROOT, Install

from fakes.postoffice import DROP, PostOffice
from fakes.postoffice import NEVER as SILENT
from fakes.wire import Wire
from fakes.world import CLOSE, NEVER, RESET, Fault, Hit, Provider, Raw, Status, World
from mainstay import acts, app, people, pipeline
from mainstay.foundation.settings import Settings
from peers import wait_until

FULL = "MAINSTAY_PROOF_ROUNDS" in os.environ
NEXT_CHANNEL_S = 60.0
VISIBLE_S = 10.0
"""From the end of a try to its line on the incident; a try may take fifteen seconds itself."""
TRY_S = 15.0
ERROR_BODY = Status(200, b'{"ok": false, "error": "account_inactive", "message": "no"}')
HALF = Raw(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"id": "m')
STATES: dict[str, Fault] = {
    "429": Status(429, retry_after="2"), "500": Status(500), "reset": RESET, "close": CLOSE,
    "never": NEVER, "error-body": ERROR_BODY, "half": HALF, "403": Status(403),
}  # fmt: skip
MAIL = {"451": "451 4.3.0 later", "554": "554 5.7.1 no", "never": SILENT, "reset": DROP}
WIRES = ("blackhole", "trickle", "corrupt", "half")
SLOW = ("never", "blackhole", "trickle")
"""Each takes two time-outs: only with the full counts, as the contracts of the channels have them."""
KINDS = ("slack", "ntfy", "sms", "webhook") if FULL else ("slack",)
NEXT_PERSON = "30s" if FULL else "10s"
HEAD = """
mainstay: 1
org: {name: Alpenpay, timezone: UTC}
people:
  mara: {name: Mara Keller}
"""


@dataclass(frozen=True)
class Case:
    """Somebody whose first address is broken."""

    person: str
    kind: str
    address: str


def _is_tried(state: str) -> bool:
    return FULL or state not in SLOW


def _states(hit: Hit) -> Fault:
    """By the path, the topic or the number that the page is for."""
    if hit.path.endswith("Messages.json"):
        return list(STATES.values())[int(hit.form["To"][-1])]
    name = hit.json["topic"] if hit.path == "/" else hit.path.strip("/")
    return STATES[name]


def _address(kind: str, state: str, provider: Provider) -> str:
    if kind == "sms":
        return f"+4179000000{list(STATES).index(state)}"
    return f"{provider.url}/{state}"


@dataclass(frozen=True)
class Down:
    """Everybody who is broken, where what works arrives, and what opens the way to all of it."""

    cases: list[Case]
    good: Provider
    allow: str
    environment: dict[str, str]
    settings: dict[str, Any]


@contextmanager
def _down() -> Iterator[Down]:
    with ExitStack() as ending:
        world = ending.enter_context(World())
        good = world.provider("slack")
        broken = {kind: world.provider(kind, works=_states) for kind in KINDS}  # type: ignore[arg-type]
        cases = [
            Case(f"{kind}-{state}", kind, _address(kind, state, broken[kind]))
            for kind in KINDS for state in STATES if _is_tried(state)
        ]  # fmt: skip
        post = ending.enter_context(PostOffice())
        for state, how in MAIL.items():
            post.refuse("RCPT", how, to=f"{state}@example.com")
        cases += [
            Case(f"mail-{state}", "mail", f"{state}@example.com")
            for state in MAIL if _is_tried(state)
        ]  # fmt: skip
        wires = []
        for fault in filter(_is_tried, WIRES):
            wire = ending.enter_context(Wire((good.host, good.port)))
            wire.fault = fault  # type: ignore[assignment]
            wires.append(wire.at)
            cases.append(Case(f"wire-{fault}", "slack", f"http://{wire.at}/through"))
        smtp = {"host": post.host, "port": post.port, "security": "none", "sender": "m@example.com"}
        sms_at = broken["sms"].url if "sms" in broken else good.url
        sms = {"base": sms_at, "account": "AC1", "token": "env:SMS_WORD", "sender": "+41790000000"}
        environment = {f"MAINSTAY_SMTP__{name.upper()}": str(value) for name, value in smtp.items()}
        environment |= {f"MAINSTAY_SMS__{name.upper()}": value for name, value in sms.items()}
        allow = [good.at, *(one.at for one in broken.values()), *wires]
        yield Down(
            cases, good, ",".join(allow), environment | {"SMS_WORD": "secret"},
            {"smtp": smtp, "sms": sms, "egress": {"allow": allow}},
        )  # fmt: skip


def _estate(cases: list[Case]) -> str:
    """Each case is a person, their team, its service and its policy."""
    names = [case.person for case in cases]
    lines = [HEAD.rstrip(), *(f"  {name}: {{name: {name}}}" for name in names)]
    lines += ["teams:", "  payops: {members: [mara]}"]
    lines += [f"  t-{name}: {{members: [{name}]}}" for name in names]
    lines += ["sources:", "  prometheus: {format: alertmanager}", "routes:"]
    lines += ['  - {match: {service: "~.+"}, to: "service:{service}"}', "  - {to: service:s0}"]
    lines += ["escalations:", "  fallback: [{after: 0m, notify: [person:mara]}]"]
    lines += ["  payops: [{after: 0m, notify: [person:mara]}]"]
    lines += [
        f"  t-{name}: [{{after: 0m, notify: [person:{name}]}}, {{after: {NEXT_PERSON}, notify: [person:mara]}}]"
        for name in names
    ]
    lines += ["services:", *(f"  {name}: {{tier: 1, owner: t-{name}}}" for name in names), ""]
    return "\n".join(lines)


def _break(install: Install, down: Down) -> None:
    """Each has a first address that is broken; the one that works is not in their rules."""
    settings = Settings(data_dir=install.data, database=install.database, **down.settings)
    made = app.open_app(settings, environment=down.environment)
    now = made.clock.now()

    def act(command: acts.Command) -> Any:
        done = made.db.run(lambda tx: pipeline.act(tx, made.ground, command, actor=ROOT, now=now))
        return done.value

    for case in down.cases:
        act(acts.commands.AddAddress(case.person, case.kind, case.address))
        found = made.db.read(lambda tx, person=case.person: people.addresses(tx, person))
        [first] = [one for one in found if one.address == case.address]
        act(acts.commands.AddRule(case.person, "high", 0, first.id))
    made.close()


@pytest.mark.timeout(240)
def test_whatever_a_provider_does_the_next_channel_comes_within_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _down() as down:
        install = Install.make(tmp_path, down.good, text=_estate(down.cases), kind="slack")
        _break(install, down)
        install.allow = down.allow
        install.environment |= down.environment
        with install.server():
            began = time.monotonic()
            for case in down.cases:
                labels = {"alertname": "A", "service": case.person, "severity": "critical"}
                assert install.call(
                    "POST", "/api/v2/alerts", [{"labels": labels}], secret=install.key
                )[0] == 200  # fmt: skip
            wait_until(
                lambda: {case.person for case in down.cases} <= set(_arrivals(down.good)),
                within_s=NEXT_CHANNEL_S + 20,
                what=f"the next channel of {[c.person for c in down.cases if c.person not in _arrivals(down.good)]}",
            )  # fmt: skip
            arrived = _arrivals(down.good)
            wait_until(lambda: _next_person(down), within_s=60, what="the next person")
            _check_what_people_see(install, down.cases)
        late = {case.person: arrived[case.person] - began for case in down.cases}
        with capsys.disabled():
            words = ", ".join(f"{name} {late_s:.0f} s" for name, late_s in late.items())
            print(f"\nprovider down → next channel: {words}")
        assert max(late.values()) <= NEXT_CHANNEL_S


def _arrivals(good: Provider) -> dict[str, float]:
    """person → when the first page came by their second channel."""
    found: dict[str, float] = {}
    for hit in good.hits:
        found.setdefault(hit.path.strip("/"), hit.at)
    return found


def _next_person(down: Down) -> bool:
    """Nobody acknowledges: of every incident the next person hears."""
    told = b"".join(hit.body for hit in down.good.hits if hit.path == "/mara")
    return all(
        f"on {case.person}".encode() in told or case.person.encode() in told for case in down.cases
    )


def _check_what_people_see(install: Install, cases: list[Case]) -> None:
    """The broken address is never called reached, and each failure is a line of the incident."""
    rows = install.rows(
        "SELECT s.person, s.channel, s.state, s.attempted_at, i.number FROM paging_send AS s"
        " JOIN incidents_incident AS i ON i.id = s.incident ORDER BY s.created_at"
    )
    for case in cases:
        states = [state for person, channel, state, _, _ in rows
                  if person == case.person and channel == case.kind]  # fmt: skip
        assert states[0] != "sent", f"{case.person}: called sent, and nobody took it"
        number = next(number for person, _, _, _, number in rows if person == case.person)
        lines = install.rows(
            f"SELECT kind, at, because FROM foundation_record WHERE kind IN ('page.retry',"
            f" 'page.failed', 'page.next_channel', 'paging.step') AND incident ="
            f" (SELECT id FROM incidents_incident WHERE number = {number}) ORDER BY seq"
        )
        kinds = [kind for kind, _, _ in lines]
        assert "page.next_channel" in kinds, (case.person, lines)
        [fired] = [at for kind, at, _ in lines if kind == "paging.step"][:1]
        first = next(at for kind, at, _ in lines if kind in ("page.retry", "page.failed"))
        assert (first - fired) / 1e6 <= TRY_S + VISIBLE_S, (case.person, lines)
