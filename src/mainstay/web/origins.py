"""Where a request came from, and which web addresses are our own."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from mainstay.foundation.settings import Settings
from mainstay.web.parts import Scope

_HERE = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = b"x-forwarded-for"


def address_of(scope: Scope, proxies: Iterable[str]) -> str:
    """The address of whoever asks; what a listed proxy says about it is believed, nobody else.

    Of several `X-Forwarded-For` entries it is the last that is no listed proxy: those before it are
    the client's own words.
    """
    peer = scope["client"][0] if scope.get("client") else "unknown"
    networks = [ipaddress.ip_network(one) for one in proxies]
    said = [value for name, value in scope["headers"] if name == _FORWARDED]
    hops = [hop.strip() for value in said for hop in value.decode("latin-1").split(",")]
    while hops and _is_in(peer, networks):
        peer = _plain(hops.pop())
    return peer


def own_origins(scope: Scope, settings: Settings) -> frozenset[str]:
    """The origins (RFC 6454) under which a browser may have loaded our screens."""
    parts = urlsplit(settings.public_url)
    ours = {f"{parts.scheme}://{parts.netloc}".lower()}
    if settings.address.loopback:
        scheme, port = scope["scheme"], scope["server"][1]
        ours |= {f"{scheme}://{name}:{port}" for name in _HERE}
    return frozenset(ours)


def _is_in(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _plain(hop: str) -> str:
    """An entry without its port, brackets, or anything that is no address."""
    text = hop.strip('"').removeprefix("[").partition("]")[0]
    host = text.partition(":")[0] if text.count(":") == 1 else text
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "unknown"
