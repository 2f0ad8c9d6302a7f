"""DNS: one question, by UDP, and by TCP when the answer is too long for it (RFC 1035)."""

from __future__ import annotations

import asyncio
import secrets
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import perf_counter

from mainstay.checks.probes.net.line import place
from mainstay.checks.probes.net.wire import why
from mainstay.checks.result import Ask, Measured
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid

PORT = 53
TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
    "CAA": 257,
}  # fmt: skip
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
AGAIN_S = 1.5
"""A packet may be lost: asked again so soon, within the time of the look."""
ANSWERS_MAX = 200
JUMPS_MAX = 32
_HEAD = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")


class DnsProbe:
    """Asks `server`, or the first one that this machine asks."""

    def __init__(self, egress: Egress, servers: tuple[str, ...]) -> None:
        self._egress = egress
        self._servers = servers

    async def measure(self, ask: Ask) -> Measured:
        """`answers` as texts in order, `count`, the least `ttl` in seconds, `code`, `latency`."""
        wanted = ask.check.dns
        assert wanted is not None
        server = wanted.server or next(iter(self._servers), None)
        if server is None:
            raise Invalid("This machine names no server to ask; write `server` in the check.")
        host, port = place(server, PORT)
        question = _question(wanted.name, TYPES[wanted.type])
        begun = perf_counter()
        reply = await self._by_udp(question, host, port, server)
        if struct.unpack("!H", reply[2:4])[0] & 0x0200:
            reply = await self._by_tcp(question, host, port, server)
        latency = perf_counter() - begun
        try:
            code, answers, ttl = _read(reply, TYPES[wanted.type])
        except (struct.error, IndexError, ValueError):
            raise BadReply(f"{server} answers with what is no answer.") from None
        return Measured(
            {
                "latency": latency,
                "answers": answers,
                "count": len(answers),
                "ttl": ttl,
                "code": code,
            },
            "\n".join(answers).encode(),
            trouble=None if code == "NOERROR" else f"{server} answers {code} for {wanted.name}.",
        )

    async def _by_udp(self, question: bytes, host: str, port: int, server: str) -> bytes:
        line = await self._egress.dial(host, port, known=(PORT,), is_datagram=True)
        loop = asyncio.get_running_loop()
        try:
            while True:
                await loop.sock_sendall(line, question)
                try:
                    async with asyncio.timeout(AGAIN_S):
                        while True:
                            reply = await loop.sock_recv(line, 4096)
                            if len(reply) >= _HEAD.size and reply[:2] == question[:2]:
                                return reply
                except TimeoutError:
                    continue
        except OSError as error:
            raise BadReply(f"{server} does not answer: {why(error)}.") from error
        finally:
            line.close()

    async def _by_tcp(self, question: bytes, host: str, port: int, server: str) -> bytes:
        line = await self._egress.dial(host, port, known=(PORT,))
        reader, writer = await asyncio.open_connection(sock=line)
        try:
            writer.write(struct.pack("!H", len(question)) + question)
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            return await reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BadReply(f"{server} broke off: {why(error)}.") from error
        finally:
            writer.transport.abort()


def _question(name: str, kind: int) -> bytes:
    if kind == TYPES["PTR"] and "arpa" not in name:
        name = ip_address(name).reverse_pointer
    try:
        labels = [part.encode("idna") for part in name.rstrip(".").split(".")]
    except UnicodeError as error:
        raise Invalid(f"{name!r} is no name that the domain name system knows.") from error
    head = _HEAD.pack(secrets.randbits(16), 0x0100, 1, 0, 0, 0)
    return (
        head + b"".join(bytes([len(p)]) + p for p in labels) + b"\0" + struct.pack("!HH", kind, 1)
    )


def _read(reply: bytes, wanted: int) -> tuple[str, list[str], int | None]:
    """Code, the answers of the wanted type, their least time to live."""
    _id, flags, questions, answers_n, _, _ = _HEAD.unpack_from(reply)
    at = _HEAD.size
    for _ in range(questions):
        _, at = _name(reply, at)
        at += 4
    answers, ttls = [], []
    for _ in range(min(answers_n, ANSWERS_MAX)):
        _, at = _name(reply, at)
        kind, _, ttl, size = _RECORD.unpack_from(reply, at)
        at += _RECORD.size
        if kind == wanted:
            answers.append(_text(reply, at, size, kind))
            ttls.append(ttl)
        at += size
    return CODES.get(flags & 15, str(flags & 15)), answers, min(ttls, default=None)


def _text(reply: bytes, at: int, size: int, kind: int) -> str:
    rest = reply[at : at + size]
    match kind:
        case 1:
            return str(IPv4Address(rest))
        case 28:
            return str(IPv6Address(rest))
        case 2 | 5 | 12:
            return _name(reply, at)[0]
        case 15:
            return f"{int.from_bytes(rest[:2])} {_name(reply, at + 2)[0]}"
        case 33:
            priority, weight, port = struct.unpack("!3H", rest[:6])
            return f"{priority} {weight} {port} {_name(reply, at + 6)[0]}"
        case 16:
            parts, here = [], 0
            while here < size:
                parts.append(rest[here + 1 : here + 1 + rest[here]].decode("utf-8", "replace"))
                here += 1 + rest[here]
            return "".join(parts)
        case 6:
            server, after = _name(reply, at)
            owner, after = _name(reply, after)
            return f"{server} {owner} {int.from_bytes(reply[after : after + 4])}"
        case _:
            tag_size = rest[1]
            tag, value = rest[2 : 2 + tag_size], rest[2 + tag_size :]
            return f"{rest[0]} {tag.decode('ascii', 'replace')} {value.decode('utf-8', 'replace')}"


def _name(reply: bytes, at: int) -> tuple[str, int]:
    """A name and where it ends; pointers are followed, a few times at most."""
    labels: list[str] = []
    after, jumps = None, 0
    while (length := reply[at]) != 0:
        if length >= 0xC0:
            after = after if after is not None else at + 2
            at = int.from_bytes(reply[at : at + 2]) & 0x3FFF
            jumps += 1
            if jumps > JUMPS_MAX:
                raise ValueError("a name that points in a circle")
            continue
        labels.append(reply[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels), at + 1 if after is None else after


def servers_of(text: str) -> tuple[str, ...]:
    """The servers that a resolv.conf names, as host:port."""
    words = (line.split() for line in text.splitlines())
    found = [w[1] for w in words if len(w) > 1 and w[0] == "nameserver" and "%" not in w[1]]
    return tuple(f"[{one}]:{PORT}" if ":" in one else f"{one}:{PORT}" for one in found)
