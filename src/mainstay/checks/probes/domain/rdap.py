"""RDAP (RFC 9082, 9083): the registry's server by IANA's list (RFC 9224), the day by its events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import urljoin

from mainstay.checks.probes.domain.registration import Registration, instant
from mainstay.foundation.egress import Egress, Reply
from mainstay.foundation.errors import BadReply, Invalid, Outside, Rejected

BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
LIST_S = 86_400.0
"""The list is read once a day."""
REDIRECTS_MAX = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = {"accept": "application/rdap+json, application/json"}


class Rdap:
    """Keeps IANA's list."""

    def __init__(self, egress: Egress, bootstrap: str) -> None:
        self._egress = egress
        self._bootstrap = bootstrap
        self._servers: Mapping[str, str] = {}
        self._until = 0.0

    async def ask(self, name: str, server: str | None, *, timeout_s: float) -> Registration:
        """What `server`, else the registry's, says. An Outside error when nobody answers."""
        base = server or (await self._known(timeout_s)).get(name.rpartition(".")[2])
        if base is None:
            raise Outside(f"IANA lists no RDAP server for .{name.rpartition('.')[2]}.")
        reply = await self._get(f"{base.rstrip('/')}/domain/{name}", timeout_s)
        if reply.status == 404:
            return Registration("RDAP", is_registered=False)
        found = _json(reply)
        if reply.status != 200 or not isinstance(found, dict):
            raise Rejected(f"RDAP answers {reply.status} for {name}.", reply=reply.status)
        return _read(found)

    async def _get(self, url: str, timeout_s: float) -> Reply:
        """The answer; a redirect is followed, each address through the guard: there is no secret."""
        for _ in range(REDIRECTS_MAX):
            reply = await self._egress.request("GET", url, headers=_ACCEPT, timeout_s=timeout_s)
            target = reply.headers.get("location")
            if reply.status not in REDIRECTS or target is None:
                return reply
            try:
                url = self._egress.check(urljoin(url, target))
            except (Invalid, ValueError) as error:
                raise BadReply("RDAP sends on to an address that we do not call.") from error
        raise BadReply("RDAP sends on and on.")

    async def _known(self, timeout_s: float) -> Mapping[str, str]:
        """Top-level domain → its server, of IANA's list."""
        if monotonic() >= self._until:
            found = _json(await self._get(self._bootstrap, timeout_s))
            self._servers = dict(_listed(found))
            self._until = monotonic() + LIST_S
        return self._servers


def _json(reply: Reply) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(reply.body)
    raise BadReply(f"RDAP answers {reply.status}, and not in JSON.")


def _listed(found: Any) -> Iterator[tuple[str, str]]:
    """Of each service its first https server, else its first."""
    services = found.get("services") if isinstance(found, dict) else None
    for service in services if isinstance(services, list) else []:
        match service:
            case [[*names], [*urls]] if urls:
                best = next((url for url in urls if str(url).startswith("https:")), urls[0])
                yield from ((str(name).lower(), str(best)) for name in names)


def _read(found: Mapping[str, Any]) -> Registration:
    ends_at = None
    for event in _items(found, "events"):
        if event.get("eventAction") == "expiration":
            ends_at = instant(str(event.get("eventDate", "")))
    registrar = None
    for entity in _items(found, "entities"):
        roles = entity.get("roles")
        if isinstance(roles, list) and "registrar" in roles:
            registrar = _name(entity)
    statuses = found.get("status")
    words = tuple(map(str, statuses[:20])) if isinstance(statuses, list) else ()
    return Registration("RDAP", True, ends_at, registrar, words)


def _items(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = found.get(key)
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def _name(entity: Mapping[str, Any]) -> str | None:
    """The `fn` of its vCard (RFC 7095), else its handle."""
    match entity.get("vcardArray"):
        case ["vcard", [*fields]]:
            for field in fields:
                match field:
                    case ["fn", _, _, str() as text]:
                        return text[:200]
    handle = entity.get("handle")
    return str(handle)[:200] if handle else None
