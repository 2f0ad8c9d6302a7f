"""Does the command line say what is the matter, whatever answers, and never show a traceback?"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mainstay.cli import program, run, show
from mainstay.cli.client import Client
from mainstay.foundation.errors import BadReply, Invalid, Refused, Rejected, TimedOut, Unreachable


class Other:
    """A server that gives every request the same bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65_536))
                connection.sendall(self.answer)


def reply(status: str, body: object, kind: str = "application/json") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


@pytest.fixture
def others() -> Iterator[list[Other]]:
    made: list[Other] = []
    yield made
    for one in made:
        one.listener.close()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


PROBLEM = {"type": "about:blank", "title": "Not allowed", "status": 403, "code": "MS-1403",
           "detail": "Only admin may do this.", "pointer": "/a"}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("403 Forbidden", PROBLEM), Refused, "Only admin may do this."),
        (reply("429 Slow", {**PROBLEM, "retry_after_s": 3}), Refused, "Try again in 3 s."),
        (reply("500 Oops", {**PROBLEM, "detail": "It broke."}), Rejected, "It broke."),
        (reply("401 Who", PROBLEM), Refused, "MAINSTAY_TOKEN"),
        (reply("404 No", b"<html>"), BadReply, "not like a Mainstay"),
        (reply("302 There", b""), BadReply, "not like a Mainstay"),
        (reply("200 OK", b"<html>"), BadReply, "does not answer like a Mainstay"),
        (reply("200 OK", b"[" * 100_000), BadReply, "does not answer like a Mainstay"),
        (b"SSH-2.0-OpenSSH\r\n", BadReply, "does not speak HTTP"),
        (b"", Unreachable, "No Mainstay answers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", BadReply, "broke off in the middle"),
    ],
)
def test_every_answer_ends_as_one_sentence(
    answer: bytes, kind: type[Exception], words: str, others: list[Other]
) -> None:
    others.append(Other(answer))
    with pytest.raises(kind, match=words.replace(".", r"\.")):
        Client(others[0].url, "t").get("/status")


def test_a_server_that_never_answers_is_given_up(others: list[Other]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimedOut, match="did not answer within"):
            Client(url, "t", timeout_s=0.2).get("/status")


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1", "127.0.0.1:8460", "http://", "http://10.0.0.7:8460", "http://example.org",
     "https://u:p@example.org", "https://example.org/?x=1", "http://127.0.0.1:99999", "http://[::1"],
)  # fmt: skip
def test_a_token_travels_only_to_an_address_that_keeps_it(url: str) -> None:
    with pytest.raises(Invalid):
        Client(url, "t")


def test_the_token_is_sent_as_bearer_and_names_are_quoted(others: list[Other]) -> None:
    others.append(Other(reply("200 OK", {"answer": "a", "lines": []})))
    assert run(program(), ["--url", others[0].url, "--token", "mst_x", "trace", "../a b?"]) == 0
    assert others[0].asked[0].startswith(b"GET /mainstay/v1/trace/..%2Fa%20b%3F HTTP/1.1\r\n")
    assert b"Authorization: Bearer mst_x\r\n" in others[0].asked[0]


def test_proxies_of_the_environment_are_not_asked(
    others: list[Other], monkeypatch: pytest.MonkeyPatch
) -> None:
    others.append(Other(reply("200 OK", {"items": []})))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert run(program(), ["--url", others[0].url, "--token", "t", "key", "list"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["incidents"], 1, "Start one with: mainstay serve"),
        (["--url", "http://127.0.0.1:1", "--token", "t", "incidents"], 1, "mainstay serve"),
        (["--url", "http://127.0.0.1:1", "incidents"], 2, "MAINSTAY_TOKEN"),
        (["ack"], 2, "INCIDENT"),
        (["acknowledge"], 2, "No such command"),
        (["key", "create", "prometheus"], 2, "There is no database"),
        (["audit", "verify"], 2, "There is no database"),
        (["audit", "verify", "nowhere.zip"], 2, "There is no file nowhere.zip"),
        (["audit", "verify", "--public-key", "x"], 2, "is no public key"),
        (["audit", "key"], 2, "mainstay serve makes it"),
        (["backup", "a.zip"], 2, "There is no database"),
        (["restore", "nowhere.zip"], 2, "There is no file nowhere.zip"),
        (["restore", "nowhere.zip", "--passphrase", "hunter2"], 2, "not a reference to a secret"),
        (["silence", "add", "a=b", "--reason", "r"], 2, "--for 2h"),
        (["--config", "missing.toml", "incidents"], 2, "missing.toml"),
        (["check", "nowhere"], 2, ""),
    ],
)
def test_what_cannot_be_done_is_told_with_how_to_mend_it(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(program(), arguments) == code
    out, err = capsys.readouterr()
    assert words in err
    assert "Traceback" not in out + err


def test_a_fault_of_ours_is_a_sentence_and_a_traceback_only_when_asked_for(
    others: list[Other], capsys: pytest.CaptureFixture[str]
) -> None:
    others.append(Other(reply("200 OK", {"items": [{"surprise": 1}]})))
    words = ["--url", others[0].url, "--token", "t", "incidents"]
    assert run(program(), words) == 1
    err = capsys.readouterr().err
    assert "Mainstay is at fault" in err
    assert "Traceback" not in err
    assert run(program(), [*words, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_long_list_is_asked_for_in_pages(others: list[Other]) -> None:
    others.append(Other(reply("200 OK", {"items": [{"n": 1}] * 500, "next": "x.y"})))
    assert len(list(Client(others[0].url, "t").pages("/alerts", limit=1200))) == 1200
    asked = [one.split(b" ")[1] for one in others[0].asked]
    assert asked == [
        b"/mainstay/v1/alerts?limit=500",
        b"/mainstay/v1/alerts?limit=500&after=x.y",
        b"/mainstay/v1/alerts?limit=200&after=x.y",
    ]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_sign_shows_another_and_not_a_fault(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr("sys.stdout", out)
    assert run(_saying("✓ well"), ["say"]) == 0
    assert raw.getvalue() == b"? well\n"


def test_whoever_reads_only_the_first_line_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        assert run(_saying("x" * 100_000), ["say"]) == 0


def _saying(words: str) -> click.Group:
    group = click.Group()

    @group.command()
    def say() -> None:
        show.console(sys.stdout, {}).print(words)

    return group


def test_applying_a_folder_that_is_not_there_says_how_to_begin(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(program(), ["apply", "nowhere"]) == 2
    assert "mainstay init nowhere" in capsys.readouterr().err


def test_init_never_writes_over_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program(), ["init"]) == 0
    before = {path: path.read_text() for path in Path("estate").iterdir()}
    assert run(program(), ["check"]) == 0
    assert run(program(), ["init"]) == 2
    assert {path: path.read_text() for path in Path("estate").iterdir()} == before
    assert "nothing was written" in capsys.readouterr().err


def test_check_prints_each_problem_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad").mkdir()
    Path("bad/a.yaml").write_text("mainstay: 1\norg: {name: A}\nservices:\n  a: {owner: nobody}\n")
    assert run(program(), ["check", "bad"]) == 2
    out = capsys.readouterr().out
    assert "bad/a.yaml:4:" in out
    assert "E202" in out
    assert run(program(), ["check", "bad", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert not found["ok"]
    assert {"path", "line", "col", "code", "level", "message"} <= set(found["problems"][0])


def test_every_command_has_a_short_help_with_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def walk(group: object, way: list[str]) -> Iterator[list[str]]:
        for name, command in getattr(group, "commands", {}).items():
            if hasattr(command, "commands"):
                yield from walk(command, [*way, name])
            else:
                yield [*way, name]

    for way in walk(program(), []):
        assert run(program(), [*way, "--help"]) == 0
        said = capsys.readouterr().out
        assert f"Example: mainstay {' '.join(way)}" in said, way
        assert len(said.splitlines()) <= 30, way
