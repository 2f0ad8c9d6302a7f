"""TCP, TLS, SMTP and IMAP: whether somebody takes the call, greets, and has a good certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from types import MappingProxyType
from typing import Any

from mainstay.checks.probes.net import certificates
from mainstay.checks.probes.net.wire import why
from mainstay.checks.result import Ask, Measured, Value
from mainstay.estate.collections import Line
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Unreachable

BANNER_BYTES_MAX = 4096
KNOWN_PORTS = frozenset({21, 22, 25, 53, 80, 110, 143, 389, 443, 465, 587, 636, 853, 993, 995})
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({"smtp": 25, "imap": 143, "tls": 443})
_TLS_FROM_THE_START = {"smtp": 465, "imap": 993}


def place(text: str, default: int | None = None) -> tuple[str, int]:
    """`host:port`, `[::1]:port`, or a host alone where its protocol has a port. Invalid otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        host, port = text, str(default or "")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise Invalid(f"Expected host:port, as in db.example:5432, got {text!r}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


class Conversation:
    """A connection on which lines are said and heard."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str
    ) -> None:
        self.reader, self.writer, self.where = reader, writer, where

    async def heard(self) -> str:
        """The next line, bounded; whatever bytes came."""
        try:
            line = await self.reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            line = error.partial
        except (asyncio.LimitOverrunError, ValueError):
            raise BadReply(f"{self.where} says more in one line than we read.") from None
        except OSError as error:
            raise BadReply(f"{self.where} broke off: {why(error)}.") from error
        if not line:
            raise BadReply(f"{self.where} closed the connection without a word.")
        return line.decode("utf-8", "replace").strip()

    async def said(self, line: str) -> str:
        """The answer to a line."""
        self.writer.write(line.encode() + b"\r\n")
        return await self.heard()


class LineProbe:
    """One for each protocol of a line."""

    def __init__(self, egress: Egress, kind: str) -> None:
        self._egress = egress
        self._kind = kind
        self._contexts = lru_cache(maxsize=64)(egress.tls_context)

    async def measure(self, ask: Ask) -> Measured:
        """`latency` to the connection (with TLS, to the end of its handshake), `banner`, the certificate."""
        line: Line = getattr(ask.check, self._kind)
        host, port = place(line.to, DEFAULT_PORTS.get(self._kind))
        begun = perf_counter()
        sock = await self._egress.dial(host, port, known=KNOWN_PORTS, timeout_s=ask.timeout_s)
        is_tls = self._kind == "tls" or port == _TLS_FROM_THE_START.get(self._kind)
        options: dict[str, Any] = {}
        if is_tls:
            options = {"ssl": self._context(line), "server_hostname": line.name or host}
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, limit=BANNER_BYTES_MAX, **options
            )
        except (OSError, ssl.SSLError) as error:
            sock.close()
            raise Unreachable(f"No TLS with {line.to}: {why(error)}.") from error
        try:
            values: dict[str, Value] = {"latency": perf_counter() - begun}
            values |= await self._talk(Conversation(reader, writer, line.to), line, host)
            tls = writer.get_extra_info("ssl_object")
            return Measured(values | certificates.of_line(tls, ask.now))
        finally:
            writer.transport.abort()

    def _context(self, line: Line) -> ssl.SSLContext:
        try:
            return self._contexts(line.ca)
        except OSError as error:
            raise Invalid(
                f"The authorities in {line.ca} cannot be read: {error.strerror}."
            ) from error

    async def _talk(self, conversation: Conversation, line: Line, host: str) -> dict[str, Value]:
        match self._kind:
            case "smtp":
                return await self._smtp(conversation, line, host)
            case "imap":
                return await self._imap(conversation, line, host)
        if line.send is None:
            return {}
        return {"banner": await conversation.said(line.send)}

    async def _smtp(self, talk: Conversation, line: Line, host: str) -> dict[str, Value]:
        banner = await talk.heard()
        if not banner.startswith("220"):
            raise BadReply(f"{talk.where} greets with {banner!r} instead of 220.")
        await self._smtp_line(talk, "EHLO mainstay", "250")
        if line.starttls:
            await self._smtp_line(talk, "STARTTLS", "220")
            await self._upgrade(talk, line, host)
            await self._smtp_line(talk, "EHLO mainstay", "250")
        talk.writer.write(b"QUIT\r\n")
        return {"banner": banner}

    async def _smtp_line(self, talk: Conversation, line: str, wanted: str) -> None:
        answer = await talk.said(line)
        while answer[3:4] == "-":  # an answer of several lines
            answer = await talk.heard()
        if not answer.startswith(wanted):
            raise BadReply(f"{talk.where} answers {line.split()[0]} with {answer!r}.")

    async def _imap(self, talk: Conversation, line: Line, host: str) -> dict[str, Value]:
        banner = await talk.heard()
        if not banner.startswith(("* OK", "* PREAUTH")):
            raise BadReply(f"{talk.where} greets with {banner!r} instead of * OK.")
        if line.starttls:
            answer = await talk.said("a1 STARTTLS")
            if not answer.startswith("a1 OK"):
                raise BadReply(f"{talk.where} answers STARTTLS with {answer!r}.")
            await self._upgrade(talk, line, host)
        talk.writer.write(b"a2 LOGOUT\r\n")
        return {"banner": banner}

    async def _upgrade(self, talk: Conversation, line: Line, host: str) -> None:
        try:
            await talk.writer.start_tls(self._context(line), server_hostname=line.name or host)
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"No TLS with {talk.where}: {why(error)}.") from error
