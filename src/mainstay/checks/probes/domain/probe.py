"""The domain probe: RDAP first, then whois; the day on which the registration ends."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import perf_counter

from mainstay.checks.probes.domain.rdap import BOOTSTRAP, Rdap
from mainstay.checks.probes.domain.registration import Registration
from mainstay.checks.probes.domain.whois import ROOT, Whois
from mainstay.checks.result import Ask, Measured, Value
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Outside

_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")


class DomainProbe:
    """Registries count questions: a check of a domain looks once a day, unless it says otherwise."""

    def __init__(self, egress: Egress, *, bootstrap: str = BOOTSTRAP, root: str = ROOT) -> None:
        """`bootstrap`: where IANA lists RDAP servers; `root`: its whois server, as host:port."""
        self._rdap = Rdap(egress, bootstrap)
        self._whois = Whois(egress, root)

    async def measure(self, ask: Ask) -> Measured:
        """`days` until it ends (negative once it has), `registrar`, `statuses`, `via`, `latency`."""
        wanted = ask.check.domain
        assert wanted is not None
        name, begun = plain_name(wanted.name), perf_counter()
        troubles, found = [], None
        ways: tuple[Callable[[], Awaitable[Registration]], ...] = (
            lambda: self._rdap.ask(name, wanted.rdap, timeout_s=ask.timeout_s / 2),
            lambda: self._whois.ask(name, wanted.whois, timeout_s=ask.timeout_s / 2),
        )
        for way in ways:
            try:
                found = await way()
            except Outside as error:
                troubles.append(error.sentence.rstrip("."))
                continue
            if found.ends_at is not None or not found.is_registered:
                break
            troubles.append(f"{found.via} does not tell when {name} ends")
        if found is None or (found.is_registered and found.ends_at is None):
            return Measured({}, trouble="; ".join(troubles) + ".")
        values: dict[str, Value] = {"latency": perf_counter() - begun, "via": found.via}
        if found.ends_at is None:
            return Measured(values, trouble=f"{name} is not registered, says {found.via}.")
        days = (found.ends_at - ask.now) / timedelta(days=1)
        values |= {"days": days, "registrar": found.registrar, "statuses": list(found.statuses)}
        if days < 0:
            return Measured(values, says="fail", words=f"{name} ended on {found.ends_at:%Y-%m-%d}")
        return Measured(values)


def plain_name(name: str) -> str:
    """In lower case and ASCII. Invalid for what is no domain name."""
    try:
        plain = name.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        plain = ""
    if len(plain) > 253 or _NAME.fullmatch(plain) is None:
        raise Invalid(f"{name!r} is no domain name; expected one such as alpenpay.ch.")
    return plain
