"""Does the probe of domains tell how long a registration lasts, by RDAP, else by whois?"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from test_probes_net import Site, says

from looking import look, sheet
from mainstay.checks.probes.domain.rdap import Rdap
from mainstay.checks.probes.domain.registration import instant
from mainstay.checks.probes.domain.whois import Whois
from mainstay.foundation.egress import Egress

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
RDAP = {
    "objectClassName": "domain",
    "ldhName": "alpenpay.example",
    "status": ["client transfer prohibited", "active"],
    "events": [
        {"eventAction": "registration", "eventDate": "2019-01-04T09:30:00Z"},
        {"eventAction": "expiration", "eventDate": "2027-01-03T09:30:00Z"},
    ],
    "entities": [
        {"roles": ["technical"], "vcardArray": ["vcard", [["fn", {}, "text", "Somebody"]]]},
        {"roles": ["registrar"], "handle": "292",
         "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Registrar AG"]]]},
    ],
}  # fmt: skip
WHOIS = """   Domain Name: ALPENPAY.EXAMPLE\r
   Registrar: Registrar AG\r
   Registry Expiry Date: 2026-12-04T09:30:00Z\r
   Domain Status: clientTransferProhibited https://icann.org/epp\r
>>> Last update of whois database: 2026-11-24T09:00:00Z <<<\r
"""


class WhoisServer:
    """Answers each question with a text, and closes, as the protocol is."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            with line:
                asked = line.recv(1024).decode().removesuffix("\r\n")
                line.sendall(self.answers.get(asked, "").encode())


@pytest.fixture
def servers() -> Iterator[tuple[Site, WhoisServer]]:
    site, whois = Site(), WhoisServer()
    yield site, whois
    site.end()
    whois.listener.close()


def _asked(servers: tuple[Site, WhoisServer], *expect: str, name: str = "alpenpay.example") -> Any:
    site, whois = servers
    wanted = {"name": name, "rdap": f"http://{site.place}/", "whois": whois.place}
    check = {"domain": wanted, "expect": list(expect)}
    return look(check, allow=(site.place, whois.place), now=NOW)


def test_rdap_tells_how_long_a_domain_lasts(servers: tuple[Site, WhoisServer]) -> None:
    servers[0].paths["/domain/alpenpay.example"] = says(json.dumps(RDAP).encode())
    found = _asked(servers, "days == 40", 'registrar == "Registrar AG"', 'via == "RDAP"',
                   'statuses contains "active"')  # fmt: skip
    assert found.verdict == "ok", found.sentence
    assert _asked(servers, "days > 60").sentence == "days is 40, expected > 60"
    gone = json.loads(json.dumps(RDAP).replace("2027-01-03", "2026-11-20"))
    servers[0].paths["/domain/alpenpay.example"] = says(json.dumps(gone).encode())
    assert _asked(servers).sentence == "alpenpay.example ended on 2026-11-20"


@pytest.mark.parametrize(
    ("status", "body"), [(503, b"busy"), (200, b"[]"), (200, b'{"events": [{"eventAction": 1}]}')]
)
def test_whois_is_asked_where_rdap_does_not_tell(
    servers: tuple[Site, WhoisServer], status: int, body: bytes
) -> None:
    servers[0].paths["/domain/alpenpay.example"] = says(body, status)
    servers[1].answers["alpenpay.example"] = WHOIS
    found = _asked(servers, "days == 10", 'via == "whois"', 'registrar == "Registrar AG"',
                   'statuses contains "clientTransferProhibited"')  # fmt: skip
    assert found.verdict == "ok", found.sentence


def test_a_domain_that_nobody_has_or_of_which_nobody_tells(
    servers: tuple[Site, WhoisServer],
) -> None:
    site, whois = servers
    site.paths["/domain/nobody.example"] = says(b"{}", 404)
    assert _asked(servers, name="nobody.example").sentence == (
        "nobody.example is not registered, says RDAP."
    )
    site.paths["/domain/quiet.example"] = says(b"{}")
    whois.answers["quiet.example"] = "domain: quiet.example\nstatus: connect\n"
    found = _asked(servers, name="quiet.example")
    assert "RDAP does not tell when quiet.example ends; whois does not tell" in found.sentence
    whois.answers["quiet.example"] = "% No match\n" + "x" * 200_000
    assert "not registered, says whois" in _asked(servers, name="quiet.example").sentence
    assert "is no domain name" in _asked(servers, name="a b\r\nc.example").sentence
    assert "private address" in look({"domain": {"name": "a.example", "rdap": f"http://{site.place}"}}).sentence  # fmt: skip


def test_the_registrys_servers_are_those_that_iana_lists(
    servers: tuple[Site, WhoisServer],
) -> None:
    site, whois = servers
    base = f"http://{site.place}"
    listed = {"services": [[["ch", "example"], [f"{base}/there/"]], ["odd"], [["x"], []]]}
    site.paths["/dns.json"] = says(json.dumps(listed).encode())
    site.paths["/there/domain/alpenpay.example"] = says(b"", 302, location="/here")
    site.paths["/here"] = says(json.dumps(RDAP).encode())
    whois.answers |= {"example": f"refer: {whois.place}\n", "alpenpay.example": WHOIS}

    async def ask() -> None:
        egress = Egress(frozenset((site.place, whois.place)))
        rdap, lines = Rdap(egress, f"{base}/dns.json"), Whois(egress, whois.place)
        for _ in range(2):
            found = await rdap.ask("alpenpay.example", None, timeout_s=30)
            assert found.ends_at == NOW + timedelta(days=40)
        found = await lines.ask("alpenpay.example", None, timeout_s=30)
        assert found.ends_at == NOW + timedelta(days=10)
        await egress.close()

    asyncio.run(ask())
    assert [path for _, path, _, _ in site.heard].count("/dns.json") == 1


def test_a_redirect_to_a_private_address_is_not_followed(
    servers: tuple[Site, WhoisServer],
) -> None:
    away = says(b"", 302, location="http://169.254.169.254/latest")
    servers[0].paths["/domain/alpenpay.example"] = away
    assert "that we do not call" in _asked(servers).sentence


@pytest.mark.parametrize(
    "text",
    ["2027-01-03T00:00:00Z", "2027-01-03", "2027.01.03", "03-Jan-2027", "3.1.2027", "20270103",
     "2027-01-03 00:00:00 UTC", "2027/01/03", "2027-01-03 01:00:00+01", "3 January 2027"],
)  # fmt: skip
def test_dates_as_registries_write_them(text: str) -> None:
    assert instant(text) == datetime(2027, 1, 3, tzinfo=UTC)


def test_what_is_no_date_is_none() -> None:
    assert instant("never") is None


def test_a_domain_is_looked_at_once_a_day() -> None:
    one = sheet({"domain": "alpenpay.ch"}).watched["it"]
    assert one.check.interval == timedelta(days=1)
