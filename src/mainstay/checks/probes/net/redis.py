"""Redis and Valkey, by their protocol (RESP 2): PING, INFO, and one command that reads."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from mainstay.checks.probes.net.line import place
from mainstay.checks.probes.net.wire import why
from mainstay.checks.result import Ask, Measured, Value
from mainstay.estate.collections import Redis
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Rejected, Unreachable
from mainstay.foundation.secrets import resolve

PORT = 6379
READS = frozenset(
    [
        "BITCOUNT",
        "DBSIZE",
        "EXISTS",
        "GET",
        "GETBIT",
        "GETRANGE",
        "HEXISTS",
        "HGET",
        "HLEN",
        "HMGET",
        "HSTRLEN",
        "LINDEX",
        "LLEN",
        "LRANGE",
        "MGET",
        "PFCOUNT",
        "PTTL",
        "SCARD",
        "SISMEMBER",
        "STRLEN",
        "TTL",
        "TYPE",
        "XLEN",
        "XPENDING",
        "ZCARD",
        "ZCOUNT",
        "ZRANK",
        "ZSCORE",
        "LASTSAVE",
    ]
)
"""Commands that change nothing and take no long time."""
REPLY_BYTES_MAX = 64 * 1024
ITEMS_MAX = 1000
DEPTH_MAX = 4


class RedisProbe:
    """One connection for each look."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment

    async def measure(self, ask: Ask) -> Measured:
        """Its role, memory, clients, replication lag; `value` of the command, `latency` of PING."""
        wanted = ask.check.redis
        assert wanted is not None
        if wanted.command and wanted.command[0].upper() not in READS:
            raise Invalid(
                f"A check may only read: {wanted.command[0]} is not one of {', '.join(sorted(READS))}."
            )
        host, port = place(wanted.to, PORT)
        sock = await self._egress.dial(host, port, timeout_s=ask.timeout_s)
        tls: dict[str, Any] = {}
        if wanted.tls:
            tls = {"ssl": self._egress.tls_context(), "server_hostname": host}
        try:
            reader, writer = await asyncio.open_connection(sock=sock, limit=REPLY_BYTES_MAX, **tls)
        except (OSError, ssl.SSLError) as error:
            sock.close()
            raise Unreachable(f"No TLS with {wanted.to}: {why(error)}.") from error
        try:
            return Measured(await self._ask(_Resp(reader, writer, wanted.to), wanted))
        except OSError as error:
            raise BadReply(f"{wanted.to} broke off: {why(error)}.") from error
        finally:
            writer.transport.abort()

    async def _ask(self, resp: _Resp, wanted: Redis) -> dict[str, Value]:
        if wanted.password is not None:
            password = resolve(wanted.password, environment=self._environment)
            await resp.call("AUTH", *([wanted.user] if wanted.user else []), password)
        begun = perf_counter()
        await resp.call("PING")
        values: dict[str, Value] = {"latency": perf_counter() - begun}
        values |= _of_info(str(await resp.call("INFO")))
        if wanted.command:
            values["value"] = await resp.call(*wanted.command)
        return values


class _Resp:
    """Commands out, replies in."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str
    ) -> None:
        self._reader, self._writer, self._where = reader, writer, where

    async def call(self, *words: str) -> Any:
        parts = [word.encode() for word in words]
        self._writer.write(
            b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        )
        return await self._reply(words[0].upper(), 0)

    async def _reply(self, command: str, depth: int) -> Any:
        try:
            line = (await self._reader.readuntil(b"\r\n"))[:-2]
            kind, rest = line[:1], line[1:].decode("utf-8", "replace")
            match kind:
                case b"+":
                    return rest
                case b"-":
                    raise Rejected(f"{self._where} refuses {command}: {rest[:200]}.", reply=0)
                case b":":
                    return int(rest)
                case b"$":
                    return await self._bulk(int(rest))
                case b"*" if depth < DEPTH_MAX and int(rest) <= ITEMS_MAX:
                    return [await self._reply(command, depth + 1) for _ in range(int(rest))]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        raise BadReply(
            f"{self._where} does not answer {command} as Redis does, or at too great a length."
        )

    async def _bulk(self, size: int) -> str | None:
        if size < 0:
            return None
        if size > REPLY_BYTES_MAX:
            raise ValueError(size)
        return (await self._reader.readexactly(size + 2))[:-2].decode("utf-8", "replace")


def _of_info(text: str) -> dict[str, Value]:
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    info = {name: value for name, _, value in lines}
    values: dict[str, Value] = {"role": info.get("role")}
    for name in ("used_memory", "connected_clients"):
        if info.get(name, "").isdigit():
            values[name] = int(info[name])
    if info.get("role") == "slave":
        ago = info.get("master_last_io_seconds_ago", "-1")
        if info.get("master_link_status") == "up" and ago.isdigit():
            values["replication_lag"] = int(ago)
    keys = [value for name, value in info.items() if name.startswith("db") and name[2:].isdigit()]
    values["keys"] = sum(int(v.split(",")[0].removeprefix("keys=")) for v in keys)
    return values
