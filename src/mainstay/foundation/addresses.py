"""Which addresses are public: the guard that keeps our requests off private ground.

A name, a redirect or a clever notation must not lead a page or a check to a cloud's metadata
service or to a machine behind the firewall (SSRF; OWASP cheat sheet "Server Side Request
Forgery"). So we judge the address that we connect to, never the text that led there.

Sources: the IANA special-purpose registries for IPv4 and IPv6, RFC 6890, RFC 6052 (NAT64), RFC 3056
(6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP); metadata addresses from the clouds' own manuals.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from mainstay.foundation.errors import Invalid, Unreachable

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""From host and port to addresses as text, best first. May block; OSError when there are none."""
_USER_PORT = 1024

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata and DNS: a public number, answered by the host
        "169.254.0.0/16",  # link-local; most clouds' metadata is 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata is 192.0.0.192
        "192.0.2.0/24",
        "192.88.99.0/24",  # the old 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
"""The only global unicast space that IANA has handed out; everything else is refused unseen."""
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)

_NEVER = tuple(
    IPv4Network(text)
    for text in ("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24")
) + tuple(IPv4Network(text) for text in ("100.100.100.200/32", "224.0.0.0/4", "240.0.0.0/4"))
_NEVER_V6 = tuple(
    IPv6Network(text) for text in ("::/128", "fe80::/10", "ff00::/8", "fd00:ec2::/32")
)


def read_address(text: str) -> Address | None:
    """The address that `text` spells out, without brackets; None when it is a name."""
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could reach it: global, unicast and nobody's metadata.

    An address that carries an IPv4 address inside is judged by both.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _NOT_PUBLIC_V4)
    if address.scope_id is not None:
        return False
    inner = carried(address)
    if inner and not all(is_public(one) for one in inner):
        return False
    if address.ipv4_mapped is not None or address in _NAT64:
        return True  # it is nothing but its IPv4 address, which is public
    return (
        address in _PUBLIC_V6
        and address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC_V6)
    )


def is_never_meant(address: Address) -> bool:
    """Metadata, link-local, multicast, unspecified: where no allowed *name* may lead.

    Whoever means such an address must write the address itself.
    """
    if isinstance(address, IPv4Address):
        return any(address in network for network in _NEVER)
    if any(address in network for network in _NEVER_V6):
        return True
    # ::1 looks like the IPv4-compatible 0.0.0.1, but is simply this machine.
    return not address.is_loopback and any(is_never_meant(one) for one in carried(address))


def carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo, ISATAP."""
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.teredo is not None:
        return list(address.teredo)
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address in _NAT64 or address in _COMPATIBLE:
        return [low]
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return [low]
    return []


def resolve(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver knows for `host`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def as_written(host: str, port: int | None) -> str:
    """`host:port` as a URL writes it; an IPv6 address in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


class Guard:
    """Says which addresses may be called for a host and port."""

    def __init__(self, allow: frozenset[str], resolver: Resolver) -> None:
        self._allow = frozenset(entry.lower() for entry in allow)
        self._resolver = resolver

    def is_allowed(self, host: str, port: int) -> bool:
        """Whether `egress.allow` names exactly this host and port."""
        return as_written(host, port) in self._allow

    def check_port(self, host: str, port: int, *, known: Iterable[int]) -> None:
        """`Invalid` for a port below 1024 that belongs to another trade (22, 25, …)."""
        if port >= _USER_PORT or port in known or self.is_allowed(host, port):
            return
        raise Invalid(
            f"Port {port} is not one that we call. If {as_written(host, port)} is meant, "
            "an administrator may add it to egress.allow.",
            allow=as_written(host, port),
        )

    def lookup(self, host: str, port: int) -> list[Address]:
        """The addresses to connect to. `Invalid` if one is private, `Unreachable` if none is."""
        literal = read_address(host)
        if literal is None:
            try:
                found = [read_address(text) for text in self._resolver(host, port)]
            except (OSError, UnicodeError) as error:
                why = (getattr(error, "strerror", None) or str(error)).lower()
                raise Unreachable(f"No address is known for {host}: {why}.") from error
        else:
            found = [literal]
        addresses = [address for address in found if address is not None]
        if not addresses:
            raise Unreachable(f"No address is known for {host}.")
        self.check(host, port, addresses)
        return addresses

    def check(self, host: str, port: int, addresses: Sequence[Address]) -> None:
        """`Invalid` unless every address may be called; one bad among good is a trick."""
        where = as_written(host, port)
        if not self.is_allowed(host, port):
            if not all(is_public(address) for address in addresses):
                raise Invalid(
                    f"{where} leads to a private address, and Mainstay does not call those. "
                    f'If that is meant, an administrator may add "{where}" to egress.allow.',
                    allow=where,
                )
        elif read_address(host) is None and any(is_never_meant(a) for a in addresses):
            raise Invalid(
                f"{where} is allowed, but its name leads to a metadata, link-local or multicast "
                "address. If that is meant, allow and write the address itself.",
                allow=where,
            )
