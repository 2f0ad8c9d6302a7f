"""The one way out: every HTTP request and every mail connection leaves through this guard.

A request resolves its name once, judges every address that came back (`addresses.is_public`),
connects to that address and no other, and looks again at who is on the line. Redirects are
answers, not orders: nothing follows them. Proxy variables of the environment mean nothing here.
`allow` (the setting `egress.allow`) opens exact `host:port` pairs, as a URL writes them.

Whatever goes wrong is an `Outside` error; its type says what may have happened on the other side:
`Unreachable`: nothing was sent. `TimedOut`, `BadReply`: it may have been delivered all the same.
Sentences name host and port only, for the path of a URL is often the secret.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit
from weakref import WeakValueDictionary

import httpcore

from mainstay.foundation.addresses import (
    Address,
    Guard,
    Resolver,
    as_written,
    read_address,
    resolve,
)
from mainstay.foundation.errors import BadReply, Invalid, Outside, TimedOut, Unreachable
from mainstay.foundation.failpoint import Moment, Passing, never

REPLY_BYTES_MAX = 1024 * 1024
URL_CHARS_MAX = 4096
CONNECT_S = 5.0
TIMEOUT_S = 10.0
IDLE_S = 5.0
"""How long an idle connection is kept: longer, and we meet servers that are just closing it."""
CONNECTIONS_MAX = 200
CONNECTIONS_PER_HOST = 16
"""So that one provider that never answers can't take every connection from the others."""
LOOKUP_THREADS = 4
_PORTS = {"http": 80, "https": 443}
_MAIL_PORTS = frozenset({25, 465, 587, 2525})
_PATH_SAFE = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said. `cut`: the body went on after what was to be read."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several equal ones the last."""
    body: bytes
    cut: bool = False


class Egress:
    """The client. One per program; used from one event loop at a time, `connect_socket` from any thread."""

    def __init__(
        self,
        allow: frozenset[str] = frozenset(),
        *,
        resolver: Resolver = resolve,
        ca_file: str | None = None,
        passing: Passing = never,
    ) -> None:
        """`allow`: `host:port` entries; `ca_file`: certificates to trust beside the usual ones."""
        self._passing = passing
        self._guard = Guard(allow, resolver)
        self._ca_file = ca_file
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def check(self, url: str) -> str:
        """The URL as we would call it; `Invalid` when we never would. Asks no resolver."""
        parts = _parts(url)
        host, port = _host(parts), _port(parts)
        self._guard.check_port(host, port, known=_PORTS.values())
        address = read_address(host)
        if address is not None:
            self._guard.check(host, port, [address])
        netloc = as_written(host, port if parts.port is not None else None)
        return parts._replace(netloc=netloc, path=parts.path or "/", fragment="").geturl()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_s: float = TIMEOUT_S,
        bytes_max: int = REPLY_BYTES_MAX,
    ) -> Reply:
        """One request, one reply, whatever its status; every failure is an `Outside` error.

        `timeout_s` covers everything from the name look-up to the last byte; of a body `bytes_max`
        are read.
        """
        try:
            parts = _parts(url)
            host, port = _host(parts), _port(parts)
            self._guard.check_port(host, port, known=_PORTS.values())
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True) from error
        call = _Call(as_written(host, port))
        try:
            async with asyncio.timeout(timeout_s), self._turn(call.where):
                sent = _request(method, parts, headers or {}, body)
                return await self._exchange(call, sent, bytes_max)
        except TimeoutError:
            raise call.timed_out(timeout_s) from None

    def connect_socket(
        self, host: str, port: int, *, timeout_s: float = CONNECT_S
    ) -> socket.socket:
        """A connected TCP socket, for protocols other than HTTP (mail). Blocks; the guard applies.

        `timeout_s` is also set on the socket. `Unreachable` when there is no connection to be had.
        """
        where = as_written(host.lower(), port)
        try:
            self._guard.check_port(host.lower(), port, known=_MAIL_PORTS)
            addresses = self._guard.lookup(host.lower(), port)
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True) from error
        last: OSError | None = None
        for address in addresses:
            try:
                connected = socket.create_connection((str(address), port), timeout=timeout_s)
            except OSError as error:
                last = error
                continue
            if read_address(connected.getpeername()[0]) != address:
                connected.close()
                raise Unreachable(f"{where}: somebody else is on the line than we called.")
            self._passing(Moment.SEND_CONNECTED)
            return connected
        raise Unreachable(f"Cannot connect to {where}: {_reason(last)}.") from last

    async def dial(
        self,
        host: str,
        port: int,
        *,
        known: Iterable[int] = (),
        timeout_s: float = CONNECT_S,
        is_datagram: bool = False,
    ) -> socket.socket:
        """As `connect_socket`, without blocking: a connected socket, TCP or (`is_datagram`) UDP.

        `known`: ports below 1024 that the caller's protocol has. The caller closes it.
        """
        host = host.lower()
        where = as_written(host, port)
        try:
            async with asyncio.timeout(timeout_s):
                self._guard.check_port(host, port, known=known)
                addresses = await self.lookup(host, port)
                return await self._dial(where, addresses, port, is_datagram)
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True) from error
        except TimeoutError:
            raise Unreachable(f"No connection to {where} within {timeout_s:g} s.") from None

    async def lookup(self, host: str, port: int) -> list[Address]:
        """The addresses that may be called for `host`; the guard applies. Does not block."""
        try:
            if read_address(host) is not None:
                return self._guard.lookup(host, port)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._guard.lookup, host, port)
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True, **error.facts) from error

    async def _dial(
        self, where: str, addresses: Sequence[Address], port: int, is_datagram: bool
    ) -> socket.socket:
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_DGRAM if is_datagram else socket.SOCK_STREAM
        last: OSError | None = None
        for address in addresses:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            line = socket.socket(family, kind)
            try:
                line.setblocking(False)
                await loop.sock_connect(line, (str(address), port))
                if read_address(line.getpeername()[0]) == address:
                    return line
                raise OSError("somebody else is on the line than we called")
            except OSError as error:
                line.close()
                last = error
            except BaseException:
                line.close()
                raise
        raise Unreachable(f"Cannot connect to {where}: {_reason(last)}.") from last

    def send_datagrams(self, host: str, port: int, messages: Sequence[bytes]) -> None:
        """One UDP packet each, to the first address of `host`; the guard applies.

        Nobody answers: that it returns says only that the packets left this machine.
        """
        where = as_written(host.lower(), port)
        try:
            self._guard.check_port(host.lower(), port, known=())
            address = self._guard.lookup(host.lower(), port)[0]
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with socket.socket(family, socket.SOCK_DGRAM) as line:
                for message in messages:
                    line.sendto(message, (str(address), port))
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True) from error
        except OSError as error:
            raise Unreachable(f"Cannot send to {where}: {_reason(error)}.") from error

    def tls_context(self, ca_file: str | None = None) -> ssl.SSLContext:
        """Verifies certificate and name; trusts the usual authorities and those of `ca_file`."""
        context = httpcore.default_ssl_context()
        for extra in (self._ca_file, ca_file):
            if extra is not None:
                context.load_verify_locations(extra)
        return context

    async def close(self) -> None:
        """Close every connection."""
        if self._loop is asyncio.get_running_loop():
            for pool in self._pools.values():
                await pool.aclose()
        self._pools = {}
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- one exchange --------------------------------------------------------------------------

    def _turn(self, where: str) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # connections die with the loop that made them
            self._loop, self._pools = loop, {}
            self._turns = WeakValueDictionary()
        turn = self._turns.get(where)
        if turn is None:
            turn = self._turns[where] = asyncio.Semaphore(CONNECTIONS_PER_HOST)
        return turn

    async def _connections(self, scheme: bytes) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(scheme.decode())
        if pool is not None:
            return pool
        context = None
        if scheme == b"https":  # 0.1 s of reading certificates: not on the event loop
            loop = asyncio.get_running_loop()
            context = await loop.run_in_executor(self._threads, self.tls_context)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS_MAX,
            keepalive_expiry=IDLE_S,
            network_backend=_Network(self._guard, self._threads, self._passing),
        )
        return self._pools.setdefault(scheme.decode(), pool)

    async def _exchange(self, call: _Call, request: httpcore.Request, bytes_max: int) -> Reply:
        request.extensions["trace"] = call.trace
        request.extensions["timeout"] = {"connect": CONNECT_S}
        try:
            pool = await self._connections(request.url.scheme)
            response = await pool.handle_async_request(request)
            try:
                body, cut = await _read(response, bytes_max)
            finally:
                await response.aclose()
        except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol):
            # Its words repeat the header that it refuses, which may be the one with the secret.
            raise Unreachable(
                f"Cannot write this request to {call.where}: a header of it is not lawful HTTP. "
                "A secret in it must be one line, without spaces around it.",
                permanent=True,
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise call.broken(error) from error
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers}
        return Reply(response.status, headers, body, cut)


class _Network(httpcore.AsyncNetworkBackend):
    """Where httpcore's connections come from: the guard decides, then the address is called."""

    def __init__(self, guard: Guard, threads: ThreadPoolExecutor, passing: Passing) -> None:
        self._guard = guard
        self._threads = threads
        self._passing = passing
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._lookup(host, port)
        last: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for left in range(len(addresses), 0, -1):
            address = addresses[-left]
            # A dead address must leave time for the next one.
            patience = timeout if timeout is None or left == 1 else timeout / 2
            try:
                stream = await self._plain.connect_tcp(
                    str(address), port, patience, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            peer = stream.get_extra_info("server_addr")
            if read_address(str(peer[0])) != address:
                await stream.aclose()
                raise httpcore.ConnectError("somebody else is on the line than we called")
            self._passing(Moment.SEND_CONNECTED)
            return stream
        raise last or httpcore.ConnectError("no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no local sockets")

    async def _lookup(self, host: str, port: int) -> list[Address]:
        try:
            if read_address(host) is not None:
                return self._guard.lookup(host, port)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._guard.lookup, host, port)
        except Invalid as error:
            raise Unreachable(error.sentence, permanent=True, **error.facts) from error


class _Call:
    """One request under way: where to, and whether any of it has left this machine."""

    __slots__ = ("sent", "where")

    def __init__(self, where: str) -> None:
        self.where = where
        self.sent = False

    async def trace(self, event: str, _facts: Mapping[str, Any]) -> None:
        """httpcore tells us its steps here."""
        if event == "http11.send_request_headers.started":
            self.sent = True

    def timed_out(self, timeout_s: float) -> Outside:
        if not self.sent:
            return Unreachable(f"No connection to {self.where} within {timeout_s:g} s.")
        return TimedOut(
            f"{self.where} did not answer within {timeout_s:g} s; it may have taken the request."
        )

    def broken(self, error: Exception) -> Outside:
        if not self.sent:
            if isinstance(error, httpcore.TimeoutException):
                return Unreachable(f"No connection to {self.where} within {CONNECT_S:g} s.")
            return Unreachable(f"Cannot connect to {self.where}: {_reason(error)}.")
        if isinstance(error, httpcore.TimeoutException):
            return TimedOut(f"{self.where} stopped answering; it may have taken the request.")
        return BadReply(
            f"{self.where} broke off before a whole answer ({_reason(error)}); "
            "it may have taken the request."
        )


# -- URLs and requests ---------------------------------------------------------------------------


def _parts(url: str) -> SplitResult:
    if len(url) > URL_CHARS_MAX:
        raise Invalid(f"This address is longer than {URL_CHARS_MAX} characters.")
    if any(c <= " " or c in "\\\x7f" for c in url):
        raise Invalid("An address must hold no spaces, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid(f"This is not an address that we can read: {error}.") from error
    if parts.scheme not in _PORTS:
        raise Invalid("An address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise Invalid("An address must not hold a user or password; give the secret separately.")
    if not parts.hostname or parts.port == 0:
        raise Invalid("An address must name a host, as in https://hooks.example.com/path.")
    return parts


def _host(parts: SplitResult) -> str:
    """The host in lower case and ASCII."""
    host = parts.hostname or ""
    if host.isascii():
        if "%" in host:
            raise Invalid("A host must not hold a percent sign or a zone.")
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Invalid("This host is not a name that the domain name system knows.") from error


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _request(
    method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes
) -> httpcore.Request:
    host = _host(parts)
    target = quote(parts.path or "/", safe=_PATH_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_PATH_SAFE)
    own = {
        "Host": as_written(host, parts.port),
        "User-Agent": "mainstay",
        "Accept-Encoding": "identity",
    }
    if body or method not in ("GET", "HEAD"):
        own["Content-Length"] = str(len(body))
    taken = {name.lower() for name in own}
    lines = [*own.items(), *((k, v) for k, v in headers.items() if k.lower() not in taken)]
    return httpcore.Request(
        method.encode("ascii"),
        httpcore.URL(scheme=parts.scheme, host=host, port=parts.port, target=target),
        headers=[
            (k.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in lines
        ],
        content=body,
        extensions={},
    )


async def _read(response: httpcore.Response, bytes_max: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > bytes_max:
            return bytes(body[:bytes_max]), True
    return bytes(body), False


def _reason(error: BaseException | None) -> str:
    """The cause in a few words, without our own class names."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not one that we trust ({cause.verify_message})"
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio puts its own words into strerror; the number says it better.
            number = cause.errno or 0
            return (os.strerror(number) if number > 0 else cause.strerror).lower()
        cause = cause.__cause__ or cause.__context__
    return str(error).rstrip(".") or "no reason given"
