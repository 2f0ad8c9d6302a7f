"""ICMP echo (RFC 792, RFC 4443), by the kernel's own ping sockets or, where we may, raw ones."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
from time import perf_counter

from mainstay.checks.result import Ask, Measured
from mainstay.foundation.addresses import Address
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Outside, Unreachable

ECHO_PORT = 7
"""ICMP has no ports: `egress.allow` opens a private address for it as `host:7`, echo's."""
BETWEEN_S = 0.2
PATIENCE_S = 2.0
_HEAD = struct.Struct("!BBHHH")


class PingProbe:
    """A few packets, a fifth of a second apart."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def measure(self, ask: Ask) -> Measured:
        """`latency` (the mean), `loss` (a share), `received`."""
        wanted = ask.check.ping
        assert wanted is not None
        address = (await self._egress.lookup(wanted.host.lower(), ECHO_PORT))[0]
        line, is_raw = _socket(address)
        patience_s = min(PATIENCE_S, max(0.2, ask.timeout_s / wanted.count - BETWEEN_S))
        try:
            line.setblocking(False)
            line.connect((str(address), 0))  # nothing is sent by it, so nothing is waited for
            times = [
                await _echo(line, address, number, is_raw=is_raw, patience_s=patience_s)
                for number in range(wanted.count)
            ]
        except OSError as error:
            raise Outside(f"No ping to {wanted.host}: {(error.strerror or '').lower()}.") from error
        finally:
            line.close()
        came = [one for one in times if one is not None]
        values = {"received": len(came), "loss": 1 - len(came) / wanted.count}
        if not came:
            return Measured(values, trouble=f"{wanted.host} answers none of {wanted.count} pings.")
        return Measured(values | {"latency": sum(came) / len(came)})


def _socket(address: Address) -> tuple[socket.socket, bool]:
    v4 = address.version == 4
    family = socket.AF_INET if v4 else socket.AF_INET6
    protocol = socket.IPPROTO_ICMP if v4 else socket.IPPROTO_ICMPV6
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, protocol), kind == socket.SOCK_RAW
        except PermissionError:
            continue
        except OSError as error:
            raise Unreachable(
                f"This machine cannot ping: {(error.strerror or '').lower()}."
            ) from error
    raise Invalid(
        "Mainstay may not ping here. An administrator may let its group "
        "(sysctl net.ipv4.ping_group_range) or give it the capability CAP_NET_RAW."
    )


async def _echo(
    line: socket.socket, address: Address, number: int, *, is_raw: bool, patience_s: float
) -> float | None:
    """Seconds until the answer; None when none came in time."""
    kind, answer = (8, 0) if address.version == 4 else (128, 129)
    mark = secrets.token_bytes(16)
    head = _HEAD.pack(kind, 0, 0, number + 1, number)
    packet = _HEAD.pack(kind, 0, _checksum(head + mark), number + 1, number) + mark
    loop, begun = asyncio.get_running_loop(), perf_counter()
    try:
        await loop.sock_sendall(line, packet)
        async with asyncio.timeout(patience_s):
            while True:
                reply = await loop.sock_recv(line, 2048)
                if is_raw and address.version == 4:
                    reply = reply[(reply[0] & 15) * 4 :]
                if len(reply) >= _HEAD.size and reply[0] == answer and reply.endswith(mark):
                    took_s = perf_counter() - begun
                    await _pause(BETWEEN_S)
                    return took_s
    except TimeoutError:
        return None


async def _pause(seconds: float) -> None:
    """The time between two packets."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().create_future()


def _checksum(packet: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
