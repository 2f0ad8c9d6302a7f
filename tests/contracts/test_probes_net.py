"""Does each probe that talks over the network measure the real thing, bounded, through the guard?"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

from looking import look
from peers import free_port, wait_until

Handle = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A real HTTP server; `paths` says how each is answered."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.paths: dict[str, Handle] = {}
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []
        site = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("content-length", 0))
                heard = {name.lower(): text for name, text in self.headers.items()}
                site.heard.append((self.command, self.path, heard, self.rfile.read(size)))
                site.paths[self.path.partition("?")[0]](self)

            do_POST = do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.place = f"127.0.0.1:{self.port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def says(body: bytes, status: int = 200, **headers: str) -> Handle:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.end()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_http_measures_status_latency_and_body(site: Site) -> None:
    site.paths["/health"] = says(
        b'{"status": "UP", "queue": [1, 2]}', content_type="application/json"
    )
    expect = ["status == 200", "latency < 30s", 'body.status == "UP"', "len(body.queue) == 2",
              'header("content-type") contains "json"', "size > 5B"]  # fmt: skip
    found = look(
        {"http": {"url": f"http://{site.place}/health"}, "expect": expect}, allow=(site.place,)
    )
    assert (found.verdict, found.values["status"]) == ("ok", 200)


def test_what_does_not_hold_is_told_with_what_was_found(site: Site) -> None:
    site.paths["/"] = says(b"busy", 503)
    found = look(
        {
            "http": {"url": f"http://{site.place}/"},
            "expect": ["status == 200", 'body contains "UP"'],
        },
        allow=(site.place,),
    )
    assert found.verdict == "fail"
    assert (
        found.sentence == "status is 503, expected == 200; body is 'busy', expected contains \"UP\""
    )
    assert found.evidence == b"busy"


def test_a_private_address_is_not_called_unless_an_administrator_opened_it(site: Site) -> None:
    for check in (
        {"http": {"url": f"http://{site.place}/"}},
        {"tcp": {"to": site.place}},
        {"redis": {"to": site.place}},
        {"dns": {"name": "a.example", "server": site.place}},
        {"prometheus": {"query": "up", "url": f"http://{site.place}"}},
        {"sql": {"query": "select 1", "database": f"postgresql://a@{site.place}/b"}},
        {"ping": {"host": "127.0.0.1"}},
        {"smtp": {"to": site.place}},
    ):
        found = look(check)
        assert found.verdict == "fail", check
        assert "private address" in found.sentence, found.sentence
    assert site.heard == []


def test_a_transaction_carries_values_from_step_to_step_and_keeps_them_out_of_results(
    site: Site,
) -> None:
    site.paths["/login"] = says(b'{"token": "tok-5f9c1e22"}')
    site.paths["/pay"] = says(b'{"state": "accepted", "echo": "tok-5f9c1e22"}', 201)
    steps = [
        {"url": f"http://{site.place}/login", "method": "POST", "json": {"user": "probe"},
         "keep": {"token": "$.token"}},
        {"url": f"http://{site.place}/pay", "method": "POST", "body": "amount=1",
         "headers": {"authorization": "Bearer {token}"}, "expect": ['body.state == "accepted"']},
    ]  # fmt: skip
    found = look({"http": {"steps": steps}, "expect": ["steps_done == 2"]}, allow=(site.place,))
    assert found.verdict == "ok", found.sentence
    assert site.heard[1][2]["authorization"] == "Bearer tok-5f9c1e22"
    assert "tok-5f9c1e22" not in repr(found)

    site.paths["/pay"] = says(b'{"state": "refused tok-5f9c1e22"}')
    found = look({"http": {"steps": steps}}, allow=(site.place,))
    assert found.verdict == "fail"
    assert found.sentence.startswith("step 2 of 2: body.state is")
    assert "tok-5f9c1e22" not in repr(found)


def test_a_secret_goes_out_and_stands_in_no_result(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2-canary")
    secret.chmod(0o600)
    site.paths["/"] = says(b"you said hunter2-canary", 401)
    check = {
        "http": {"url": f"http://{site.place}/", "secret": f"file:{secret}"},
        "expect": ['body == "x"', "status == 200"],
    }
    found = look(check, allow=(site.place,))
    assert site.heard[0][2]["authorization"] == "Bearer hunter2-canary"
    assert found.verdict == "fail"
    assert "hunter2-canary" not in repr(found)


def test_bodies_are_bounded_whatever_they_are(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            handler.close_connection = True

    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    site.paths |= {
        "/endless": endless,
        "/bomb": says(bomb, content_encoding="gzip"),
        "/odd": says(b"\xff\xfe\x00\xd8 not utf-8"),
        "/deep": says(b"[" * 100_000 + b"]" * 100_000),
    }
    for path in site.paths:
        check = {
            "http": {"url": f"http://{site.place}{path}"},
            "expect": ["status == 200"],
            "timeout": "30s",
        }
        found = look(check, allow=(site.place,))
        assert found.verdict == "ok", (path, found.sentence)
        assert found.values["size"] <= 1024 * 1024
        assert len(found.evidence) <= 16 * 1024


def test_a_redirect_is_an_answer_unless_following_is_asked_for_and_stays_on_its_host(
    site: Site,
) -> None:
    site.paths["/"] = says(b"", 302, location="/next")
    site.paths["/next"] = says(b"here")
    site.paths["/away"] = says(b"", 302, location="http://169.254.169.254/latest/meta-data")
    place = f"http://{site.place}"
    assert look({"http": {"url": f"{place}/"}}, allow=(site.place,)).values["status"] == 302
    follow = look({"http": {"url": f"{place}/", "follow": True}}, allow=(site.place,))
    assert (follow.values["status"], follow.values["redirects"]) == (200, 1)
    away = look({"http": {"url": f"{place}/away", "follow": True}}, allow=(site.place,))
    assert away.values["status"] == 302


def test_https_and_tls_tell_how_long_the_certificate_lasts(
    authority: trustme.CA, tmp_path: Path
) -> None:
    ends = datetime.now(UTC) + timedelta(days=10, hours=12)
    certificate = authority.issue_cert("127.0.0.1", not_after=ends)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    site = Site(context)
    site.paths["/"] = says(b"ok")
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    try:
        for check in (
            {"http": {"url": f"https://{site.place}/", "ca": str(ca)}},
            {"tls": {"to": site.place, "ca": str(ca)}},
        ):
            found = look(
                {**check, "expect": ["cert_days > 10", "cert_days < 11"]}, allow=(site.place,)
            )
            assert found.verdict == "ok", found.sentence
            late = look({**check, "expect": ["cert_days > 21"]}, allow=(site.place,))
            assert late.sentence.startswith("cert_days is 10.")
        unknown = look({"tls": {"to": site.place}}, allow=(site.place,))
        assert "its certificate is not one that we trust" in unknown.sentence
    finally:
        site.end()
    pem = tmp_path / "cert.pem"
    certificate.cert_chain_pems[0].write_to_path(str(pem))
    found = look({"certificate": {"path": str(pem)}, "expect": ["cert_days > 10", "count == 1"]})
    assert found.verdict == "ok", found.sentence


def test_a_port_that_nobody_listens_on_is_told_as_that() -> None:
    place = f"127.0.0.1:{free_port()}"
    found = look({"tcp": {"to": place}}, allow=(place,))
    assert found.sentence == f"Cannot connect to {place}: connection refused."
    assert (
        look({"tcp": {"to": place}, "expect": ["reached == false"]}, allow=(place,)).verdict == "ok"
    )


def test_smtp_and_imap_greet(site: Site) -> None:
    with _Dialogue(
        b"220 mail ready\r\n", {b"EHLO": b"250-mail\r\n250 OK\r\n", b"QUIT": b"221\r\n"}
    ) as mail:
        found = look({"smtp": {"to": mail.place}}, allow=(mail.place,))
        assert (found.verdict, found.values["banner"]) == ("ok", "220 mail ready")
    with _Dialogue(b"* OK IMAP ready\r\n", {b"a2": b"a2 OK\r\n"}) as mail:
        assert look({"imap": {"to": mail.place}}, allow=(mail.place,)).verdict == "ok"
    with _Dialogue(b"554 no\r\n", {}) as mail:
        assert "instead of 220" in look({"smtp": {"to": mail.place}}, allow=(mail.place,)).sentence


class _Dialogue:
    """A line protocol's server: greets, then answers by the first word."""

    def __init__(self, greeting: bytes, answers: dict[bytes, bytes]) -> None:
        self.greeting, self.answers = greeting, answers
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as file:
                try:
                    file.write(self.greeting)
                    file.flush()
                    for heard in file:
                        file.write(self.answers.get(heard.split()[0], b"500 what\r\n"))
                        file.flush()
                except OSError:
                    continue

    def __enter__(self) -> _Dialogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()


@pytest.mark.real
def test_redis_tells_of_itself_and_only_reads(tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here (make peers says how to get it)")
    port = free_port()
    place = f"127.0.0.1:{port}"
    words = [
        "redis-server",
        "--port",
        str(port),
        "--dir",
        str(tmp_path),
        "--save",
        "",
        "--requirepass",
        "canary-redis",
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: _listens(port), within_s=20, what="redis-server")
            environment = {"REDIS": "canary-redis"}
            check = {"redis": {"to": place, "password": "env:REDIS", "command": ["DBSIZE"]}}
            found = look({**check, "expect": ["value == 0", 'role == "master"', "used_memory > 1kB"]},
                         allow=(place,), environment=environment)  # fmt: skip
            assert found.verdict == "ok", found.sentence
            wrong = look(check, allow=(place,), environment={"REDIS": "wrong"})
            assert "refuses AUTH" in wrong.sentence
            assert (
                "may only read"
                in look({"redis": {"to": place, "command": ["FLUSHALL"]}}, allow=(place,)).sentence
            )
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.real
def test_prometheus_answers_a_query(prometheus: Any) -> None:
    peer = prometheus({"global": {"scrape_interval": "1s"}})
    check = {"prometheus": {"query": "vector(3) or vector(5)", "url": peer.url}}
    found = look({**check, "expect": ["value < 4"]}, allow=(peer.address,))
    assert found.values["value"] == 3
    assert found.verdict == "ok"
    bad = look({"prometheus": {"query": "vector(", "url": peer.url}}, allow=(peer.address,))
    assert "refuses the query" in bad.sentence
    none = look(
        {"prometheus": {"query": "nothing_of_this_name", "url": peer.url}}, allow=(peer.address,)
    )
    assert (none.verdict, none.sentence) == ("fail", "The query finds no sample.")


def test_dns_asks_one_question_and_reads_every_answer_lawfully() -> None:
    with _Names({b"a": ["192.0.2.7", "192.0.2.9"]}) as names:
        check = {"dns": {"name": "a.example", "server": names.place}}
        found = look(
            {**check, "expect": ["count == 2", 'answers contains "192.0.2.9"', "ttl == 1m"]},
            allow=(names.place,),
        )
        assert found.verdict == "ok", found.sentence
        none = look({"dns": {"name": "b.example", "server": names.place}}, allow=(names.place,))
        assert "answers NXDOMAIN for b.example" in none.sentence
        names.garbage = True
        assert "no answer" in look(check, allow=(names.place,)).sentence


class _Names:
    """A name server that knows a few first labels, with a pointer in each answer."""

    def __init__(self, known: dict[bytes, list[str]]) -> None:
        self.known, self.garbage = known, False
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.line.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asked, who = self.line.recvfrom(512)
                self.line.sendto(self._answer(asked), who)
            except OSError:
                return

    def _answer(self, asked: bytes) -> bytes:
        if self.garbage:
            return asked[:2] + b"\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c"
        found = self.known.get(asked[13 : 13 + asked[12]], [])
        flags = b"\x81\x80" if found else b"\x81\x83"
        head = asked[:2] + flags + struct.pack("!4H", 1, len(found), 0, 0)
        records = [b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(one) for one in found]
        return head + asked[12:] + b"".join(records)

    def __enter__(self) -> _Names:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may ping here")
def test_ping_measures_the_way_there_and_back() -> None:
    found = look(
        {"ping": {"host": "127.0.0.1", "count": 2}, "expect": ["loss == 0%", "latency < 5s"]},
        allow=("127.0.0.1:7",),
    )
    assert found.verdict == "ok", found.sentence
