"""Does the listening server keep its patience, and its place, with clients of every kind? (P16)"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mainstay.api.server import Door, Server, make_server
from mainstay.foundation.errors import Conflict, Invalid, OverLimit
from mainstay.foundation.limits import Limits
from mainstay.web import read_body

PATIENT = Limits(header_s=20, body_s=20, idle_s=20, body_bytes=100_000)
BIG = 16_000_000
"""Bytes: more than the kernel takes off our hands."""
GOOD = b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"


class App:
    """Answers with the length of the body; /wait answers when told to; /big is large."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.asked: list[str] = []
        self.go = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.gone = threading.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        if scope["path"] == "/wait":
            self.waiting.release()
            await asyncio.to_thread(self.go.wait, 20)
        status, body = 200, b"x" * BIG if scope["path"] == "/big" else b""
        try:
            got = await read_body(receive, scope["headers"], limits=self.limits)
            body = body or b"%d" % len(got)
        except OverLimit as error:
            status, body = error.http_status, error.sentence.encode()
        except Invalid as error:
            self.gone.release()
            status, body = error.facts.get("http_status", 400), error.sentence.encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Client:
    """A socket that speaks HTTP as badly as it is told to."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self) -> tuple[int, bytes]:
        """The next answer; (0, b"") when the server closed without one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                return 0, b""
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(self.buffer) < length and self._more():
            pass
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(head.split()[1]), body

    def is_closed(self) -> bool:
        """Whether the server hangs up; blocks until it does or the socket's own time is over."""
        try:
            return not self._more()
        except TimeoutError:
            return False

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return data != b""


@contextmanager
def serving(limits: Limits = PATIENT) -> Iterator[tuple[Server, App]]:
    """The server in a thread."""
    app = App(limits)
    server = make_server(app, host="127.0.0.1", port=0, limits=limits)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    try:
        yield server, app
    finally:
        app.go.set()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def timed(client: Client) -> tuple[float, int, bytes]:
    """Seconds until the answer, and the answer."""
    began = time.monotonic()
    status, body = client.reply()
    return time.monotonic() - began, status, body


# -- patience ------------------------------------------------------------------------------------


def test_headers_that_do_not_come_in_time_are_answered_with_408_and_the_end() -> None:
    with serving(replace(PATIENT, header_s=0.3)) as (server, app), Client(server.port) as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n")
        took, status, body = timed(client)
        assert status == 408
        assert 0.2 < took < 5
        assert json.loads(body)["status"] == 408
        assert client.is_closed()
        assert app.asked == []


def test_dripping_headers_buys_no_time() -> None:
    with serving(replace(PATIENT, header_s=0.4)) as (server, _), Client(server.port) as client:
        client.sock.settimeout(0.05)
        began = time.monotonic()
        client.send(b"GET /slow HTTP/1.1\r\n")
        while not client.buffer and time.monotonic() - began < 10:
            try:
                client.send(b"X: y\r\n")
                client._more()
            except TimeoutError:
                continue
        assert b" 408 " in client.buffer
        assert time.monotonic() - began < 5


def test_a_connection_that_says_nothing_is_closed() -> None:
    with serving(replace(PATIENT, header_s=0.3)) as (server, _), Client(server.port) as client:
        assert client.is_closed()
        assert client.buffer == b""


def test_a_body_that_does_not_come_in_time_ends_the_request() -> None:
    limits = replace(PATIENT, body_s=0.3)
    with serving(limits) as (server, app), Client(server.port) as client:
        client.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        took, status, _ = timed(client)
        assert status == 408
        assert 0.2 < took < 5
        assert client.is_closed()
        assert app.gone.acquire(timeout=5)  # the application hears of it too


def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    limits = replace(PATIENT, idle_s=0.3, header_s=0.3, body_s=0.3)
    with serving(limits) as (server, app), Client(server.port) as idle, Client(server.port) as busy:
        busy.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.waiting.acquire(timeout=5)
        idle.send(GOOD)
        assert idle.reply() == (200, b"0")
        assert idle.is_closed()
        app.go.set()
        assert busy.reply() == (200, b"0")


def test_one_connection_carries_many_requests_split_anywhere() -> None:
    with serving() as (server, _), Client(server.port) as client:
        for _ in range(3):
            client.send(GOOD)
            assert client.reply() == (200, b"0")
        post = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        for byte in post:
            client.send(bytes([byte]))
        assert client.reply() == (200, b"5")
        client.send(post + GOOD + post)
        assert [client.reply() for _ in range(3)] == [(200, b"5"), (200, b"0"), (200, b"5")]


def test_patience_is_measured_anew_for_each_request_of_a_connection() -> None:
    limits = replace(PATIENT, header_s=0.4)
    with serving(limits) as (server, _), Client(server.port) as client:
        client.send(GOOD)
        assert client.reply() == (200, b"0")
        client.sock.settimeout(0.8)
        assert not client.is_closed()  # idle time is another
        client.sock.settimeout(15)
        client.send(GOOD)
        assert client.reply() == (200, b"0")
        client.send(b"GET /slow HTT")
        assert client.reply()[0] == 408


def test_a_client_that_does_not_read_its_answer_is_dropped() -> None:
    limits = replace(PATIENT, body_s=0.2, idle_s=0.2)
    with serving(limits) as (server, _):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(15)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _gone(server, "/big")
        sock.close()


def test_a_client_that_reads_slowly_but_gets_on_receives_everything() -> None:
    limits = replace(PATIENT, body_s=0.3, idle_s=0.3)
    with serving(limits) as (server, _), Client(server.port) as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        pause = threading.Event()
        received = 0
        while received < BIG:
            data = client.sock.recv(800_000)
            assert data, f"cut off after {received} bytes"
            received += len(data)
            pause.wait(0.03)  # the slowness under test, not waiting for something


# -- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 17_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 17_000,
        b"\r\n" * 9000,
    ],
    ids=["one header", "path", "many headers", "unfinished", "empty lines"],
)
def test_more_than_16_kib_of_headers_is_a_431(head: bytes) -> None:
    with serving() as (server, app), Client(server.port) as client:
        client.send(head)
        status, body = client.reply()
        assert status == 431
        assert json.loads(body)["title"] == "The headers are too large"
        assert client.is_closed()
        assert app.asked == []


def test_large_headers_behind_a_large_body_are_a_431_and_small_ones_are_not() -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000
    with serving() as (server, _), Client(server.port) as client:
        client.send(post + GOOD)
        assert client.reply() == (200, b"60000")
        assert client.reply() == (200, b"0")
        client.send(post + GOOD[:-2] + b"X: " + b"y" * 17000 + b"\r\n\r\n")
        assert client.reply() == (200, b"60000")
        assert client.reply()[0] == 431


def test_what_came_before_does_not_count_as_headers_and_what_came_after_does() -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000
    with serving() as (server, _):
        for first in (b"", GOOD):
            with Client(server.port) as client:
                if first:
                    client.send(first)
                    assert client.reply() == (200, b"0")
                client.send(post + GOOD[:-3])
                assert client.reply() == (200, b"60000")
                client.send(GOOD[-3:])
                assert client.reply() == (200, b"0")
                client.send(GOOD[:-2] + b"X: " + b"y" * 17_000)
                assert client.reply()[0] == 431


def test_15_kib_of_headers_and_a_long_body_pass() -> None:
    with serving() as (server, _), Client(server.port) as client:
        filler = b"X: " + b"y" * 15_000 + b"\r\n"
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + filler + b"Content-Length: 90000\r\n\r\n")
        client.send(b"x" * 90_000)
        assert client.reply() == (200, b"90000")


def test_an_announced_size_is_refused_before_it_is_sent() -> None:
    with serving() as (server, _), Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n")
        client.send(b"Content-Length: 100001\r\n\r\n")
        status, body = client.reply()
        assert status == 413
        assert b"100000 bytes" in body


def test_a_body_in_chunks_is_counted_as_it_comes() -> None:
    with serving() as (server, _), Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        assert client.reply()[0] == 413


def test_who_sends_too_much_still_gets_to_read_why() -> None:
    with serving() as (server, _), Client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        client.send(b"x" * 2_000_000)
        assert client.reply()[0] == 413
        client.send(GOOD)  # all of it was read away: the connection lives on
        assert client.reply() == (200, b"0")


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_a_400_in_our_own_shape(bad: bytes) -> None:
    with serving() as (server, _), Client(server.port) as client:
        client.send(bad)
        status, body = client.reply()
        assert status == 400
        if body.startswith(b"{"):
            assert json.loads(body)["status"] == 400
        assert client.is_closed()


def test_asking_for_another_protocol_is_simply_not_granted() -> None:
    upgrade = b"GET /ok HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with serving() as (server, _), Client(server.port) as client:
        client.send(upgrade)
        assert client.reply() == (200, b"0")


# -- many ----------------------------------------------------------------------------------------


def test_slow_clients_take_the_place_of_nobody() -> None:
    limits = replace(PATIENT, connections=40)
    with serving(limits) as (server, _):
        slow = [Client(server.port) for _ in range(200)]
        for client in slow:
            try:
                client.send(b"GET /slow HTTP/1.1\r\n")
            except OSError:
                continue  # already hung up on
        for _ in range(50):
            with Client(server.port) as good:
                good.send(GOOD)
                assert good.reply() == (200, b"0")
        assert len(server.server_state.connections) <= 41
        for client in slow:
            client.sock.close()


def test_the_connection_that_let_us_wait_longest_goes_first_and_work_is_never_cut() -> None:
    limits = replace(PATIENT, connections=3)
    with serving(limits) as (server, app), Client(server.port) as busy:
        busy.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.waiting.acquire(timeout=5)
        with Client(server.port) as old:
            old.send(GOOD)
            assert old.reply() == (200, b"0")
            with Client(server.port) as young:
                young.send(GOOD)
                assert young.reply() == (200, b"0")
                with Client(server.port) as new:
                    new.send(GOOD)
                    assert new.reply() == (200, b"0")
                    assert old.is_closed()
                    young.send(GOOD)
                    assert young.reply() == (200, b"0")
                    app.go.set()
                    assert busy.reply() == (200, b"0")


def test_when_every_connection_is_at_work_the_next_one_hears_503() -> None:
    limits = replace(PATIENT, connections=2)
    with (
        serving(limits) as (server, app),
        Client(server.port) as one,
        Client(server.port) as two,
    ):
        for client in (one, two):
            client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.waiting.acquire(timeout=5)
        with Client(server.port) as third:
            while third._more():
                pass
            assert b" 503 " in third.buffer
            assert b"retry-after: 1" in third.buffer
        app.go.set()
        assert one.reply() == (200, b"0")
        assert two.reply() == (200, b"0")


def test_clients_that_vanish_leave_nothing_behind() -> None:
    with serving() as (server, _):
        for _ in range(50):
            with Client(server.port) as client:
                client.send(b"POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
                linger = struct.pack("ii", 1, 0)
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert _gone(server, "/half")


def _gone(server: Server, path: str) -> bool:
    """Whether every connection that asked for `path` goes; other requests pass the time."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with Client(server.port) as witness:
            witness.send(GOOD)
            assert witness.reply() == (200, b"0")
        left = [c for c in list(server.server_state.connections) if c.cycle is not None]
        if not any(c.cycle.scope["path"] == path for c in left):
            return True
    return False


# -- starting and stopping -----------------------------------------------------------------------


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with serving() as (server, app), pytest.raises(Conflict, match="Is another Mainstay running"):
        make_server(app, host="127.0.0.1", port=server.port, limits=PATIENT)


def test_a_host_that_is_not_ours_is_told_in_a_sentence() -> None:
    with pytest.raises(Conflict, match="Cannot listen on 192"):
        make_server(App(PATIENT), host="192.0.2.1", port=0, limits=PATIENT)
    with pytest.raises(Invalid, match="no address of this machine"):
        make_server(App(PATIENT), host="no.such.host.invalid", port=0, limits=PATIENT)


def test_requests_under_way_are_finished_before_the_server_stops() -> None:
    with serving() as (server, app), Client(server.port) as client, Client(server.port) as idle:
        idle.send(GOOD)
        assert idle.reply() == (200, b"0")
        client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.waiting.acquire(timeout=5)
        server.should_exit = True
        assert idle.is_closed()
        app.go.set()
        assert client.reply() == (200, b"0")
        assert client.is_closed()


def test_a_given_socket_is_used_and_its_port_known() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    server = make_server(App(PATIENT), host="x", port=1, limits=PATIENT, sock=sock)
    assert server.port == sock.getsockname()[1]
    sock.close()


def test_no_answer_names_the_software() -> None:
    with serving() as (server, _), Client(server.port) as client:
        client.send(GOOD)
        client._more()
        assert b"uvicorn" not in client.buffer.lower()
        assert b"server:" not in client.buffer.lower()


# -- what we lean on -----------------------------------------------------------------------------


def test_uvicorn_still_has_what_our_connection_leans_on() -> None:
    """A new uvicorn that renames one of these would switch a limit off without a sound."""
    ours = {name for name in vars(Door) if name in vars(HttpToolsProtocol)}
    assert ours == {
        "__init__",
        "__doc__",
        "__module__",
        "connection_made",
        "data_received",
        "on_response_complete",
        "pause_writing",
        "resume_writing",
        "send_400_response",
        "_unsupported_upgrade_warning",
    }
    assert "on_tick" in vars(uvicorn.Server)
