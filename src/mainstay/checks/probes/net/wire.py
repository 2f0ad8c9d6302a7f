"""One HTTP/1.1 exchange over a connection of its own, with what the line itself tells.

Not the client of `egress`, whose connections are kept and shared: a probe wants to know how long
the name, the connection and the handshake took, and when the certificate ends. The socket comes
from the guard all the same. What is read is bounded, whatever the other side sends: headers,
body, and what a compressed body becomes.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlsplit

import httptools

from mainstay.foundation.addresses import as_written
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Unreachable

BODY_BYTES_MAX = 1024 * 1024
"""Of a body, after decompression too; what goes on is cut."""
HEADER_BYTES_MAX = 64 * 1024
CHUNK = 65_536
PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/%:@!$&'()*+,;=~-._?"


@dataclass(slots=True)
class Exchange:
    """What came back. Times in seconds since the beginning of the exchange."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_cut: bool = False
    connect_s: float = 0.0
    handshake_s: float = 0.0
    first_byte_s: float = 0.0
    total_s: float = 0.0
    tls: ssl.SSLObject | None = None


class _Reader:
    """httptools calls these as it parses."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.is_over = False
        self._parts: list[bytes] = []
        self._size = self._header_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_size += len(name) + len(value)
        if self._header_size > HEADER_BYTES_MAX:
            raise BadReply("its headers are larger than 64 KiB")
        self.exchange.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, chunk: bytes) -> None:
        room = BODY_BYTES_MAX - self._size
        if len(chunk) > room:
            self.exchange.is_cut = self.is_over = True
        self._parts.append(chunk[:room])
        self._size += min(len(chunk), room)

    def on_message_complete(self) -> None:
        self.is_over = True

    def body(self) -> bytes:
        return b"".join(self._parts)


async def exchange(
    egress: Egress,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    context: ssl.SSLContext | None,
) -> Exchange:
    """One request, one answer; redirects are answers. Outside errors name host and port only.

    `context`: for https. The caller sets the time limit.
    """
    parts = urlsplit(egress.check(url))
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    where, found = as_written(host, port), Exchange()
    begun = perf_counter()
    line = await egress.dial(host, port, known=PORTS.values(), timeout_s=3600)
    found.connect_s = perf_counter() - begun
    tls: dict[str, Any] = (
        {"ssl": context, "server_hostname": host} if parts.scheme == "https" else {}
    )
    try:
        reader, writer = await asyncio.open_connection(sock=line, **tls)
    except (OSError, ssl.SSLError) as error:
        line.close()
        raise Unreachable(f"No TLS with {where}: {why(error)}.") from error
    try:
        if tls:
            found.handshake_s = perf_counter() - begun - found.connect_s
            found.tls = writer.get_extra_info("ssl_object")
        target = quote(parts.path or "/", safe=_PATH_SAFE)
        if parts.query:
            target += "?" + quote(parts.query, safe=_PATH_SAFE)
        writer.write(_request(method, target, as_written(host, parts.port), headers, body))
        await _receive(reader, found, begun=begun, where=where, is_head=method == "HEAD")
    except OSError as error:
        raise BadReply(f"{where} broke off: {why(error)}.") from error
    finally:
        writer.transport.abort()
    found.total_s = perf_counter() - begun
    return found


async def _receive(
    reader: asyncio.StreamReader, found: Exchange, *, begun: float, where: str, is_head: bool
) -> None:
    heard = _Reader(found)
    parser = httptools.HttpResponseParser(heard)
    try:
        while not heard.is_over:
            chunk = await reader.read(CHUNK)
            if not chunk:
                break
            found.first_byte_s = found.first_byte_s or perf_counter() - begun
            parser.feed_data(chunk)
            if is_head and parser.get_status_code() and b"\r\n\r\n" in chunk:
                break
    except (httptools.HttpParserError, BadReply) as error:
        cause = error.__context__ if isinstance(error.__context__, BadReply) else error
        raise BadReply(f"{where} does not answer in HTTP: {_words(cause)}.") from error
    if not found.first_byte_s:
        raise BadReply(f"{where} closed the connection without an answer.")
    found.status = parser.get_status_code()
    found.body, cut = unpacked(heard.body(), found.headers.get("content-encoding", ""))
    found.is_cut |= cut


def _words(error: BaseException) -> str:
    return error.sentence if isinstance(error, BadReply) else str(error).lower().rstrip(".")


def unpacked(body: bytes, encoding: str) -> tuple[bytes, bool]:
    """The body as it was before gzip or deflate, up to the limit; and whether it was cut.

    What cannot be unpacked stays as it came.
    """
    if encoding.lower() not in ("gzip", "deflate", "x-gzip"):
        return body, False
    for bits in (47, -15):  # gzip or zlib by its header; deflate without any
        stream = zlib.decompressobj(bits)
        try:
            plain = stream.decompress(body, BODY_BYTES_MAX)
        except zlib.error:
            continue
        return plain, bool(stream.unconsumed_tail)
    return body, False


def _request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    own = {"Host": host, "User-Agent": "mainstay-check", "Accept": "*/*", "Connection": "close"}
    own["Accept-Encoding"] = "gzip, deflate"
    if body or method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        own["Content-Length"] = str(len(body))
    given = {name.lower() for name in headers}
    lines = [f"{name}: {value}" for name, value in own.items() if name.lower() not in given]
    lines += [f"{name}: {_clean(value)}" for name, value in headers.items()]
    head = f"{method} {target} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "replace") + body


def _clean(value: str) -> str:
    """A header's value stays on its line, whatever a template put into it."""
    return value.replace("\r", " ").replace("\n", " ")


def why(error: BaseException) -> str:
    """The cause in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not one that we trust ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "the handshake failed").replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
