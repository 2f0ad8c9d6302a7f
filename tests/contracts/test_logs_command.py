"""Does `mainstay logs` answer as a person and a program expect, and is what it prints harmless?"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

BEGIN = "2026-03-01T"
EVIL = "\x1b]0;owned\x07\x1b[2J <script>alert(1)</script> {{7*7}} \u202egnp.exe"


def mainstay(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mainstay", "logs", *words]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two hours of a shop: in the second, orders are slow and a database is away."""
    lines = []
    for n in range(240):
        hour, minute = n // 120, n // 2 % 60
        at = f"{BEGIN}{10 + hour}:{minute:02}:{30 * (n % 2):02}Z"
        lines.append(f"{at} INFO shop.pay: order {n} paid in {12 + n % 5 + 300 * hour} ms")
        if hour and n % 4 == 0:
            lines.append(f"{at} ERROR shop.db: cannot reach db-{n}: Connection refused")
            lines.append("java.net.ConnectException: Connection refused")
            lines.append("\tat shop.Db.open(Db.java:17)")
    path = tmp_path / "shop.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_search_finds_text_level_and_time_with_traces(shop: Path) -> None:
    found = mainstay("search", "cannot reach", str(shop), "--since", f"{BEGIN}11:30:00Z")
    assert found.stdout.count("cannot reach") == 15, found.stderr
    assert mainstay("search", "", str(shop), "--level", "error").stdout.count("\tat shop.Db") == 30


def test_search_reads_gzip_and_pipes_and_counts(shop: Path) -> None:
    packed = shop.with_suffix(".gz")
    packed.write_bytes(gzip.compress(shop.read_bytes()))
    counts = json.loads(mainstay("search", "order", str(shop), str(packed), "-c", "--json").stdout)
    assert [one["lines"] for one in counts["items"]] == [240, 240]
    assert mainstay("search", "order", "-c", given=shop.read_text()).stdout == "240\n"


def test_search_gives_programs_an_object_a_line(shop: Path) -> None:
    found = [
        json.loads(one)
        for one in mainstay("search", "db-120", str(shop), "--json").stdout.splitlines()
    ]
    assert found == [{
        "at": f"{BEGIN}11:00:00.000Z", "level": "error", "source": "shop.db",
        "message": "cannot reach db-120: Connection refused",
    }]  # fmt: skip


def test_templates_and_histogram_and_stats_say_what_is_there(shop: Path) -> None:
    found = json.loads(mainstay("templates", str(shop), "--json").stdout)
    assert [(one["template"], one["count"]) for one in found["items"]] == [
        ("order <*> paid in <*> ms", 240), ("cannot reach db-<*>: Connection refused", 30),
    ]  # fmt: skip
    bars = json.loads(mainstay("histogram", str(shop), "--step", "1h", "--json").stdout)
    assert [one["events"] for one in bars["items"]] == [120, 150]
    stats = json.loads(mainstay("stats", str(shop), "--json").stdout)
    assert (stats["levels"], stats["events"], stats["lines"]) == (
        {"info": 240, "error": 30},
        270,
        330,
    )


def test_diff_tells_what_is_new_and_slower(shop: Path) -> None:
    good, bad = f"{BEGIN}10:00:00Z..{BEGIN}11:00:00Z", f"{BEGIN}11:00:00Z..{BEGIN}12:00:00Z"
    found = json.loads(mainstay("diff", str(shop), "--good", good, "--bad", bad, "--json").stdout)
    assert {(one["kind"], one["template"]) for one in found["items"]} == {
        ("new", "cannot reach db-<*>: Connection refused"), ("slower", "order <*> paid in <*> ms"),
    }  # fmt: skip
    assert "slower" in mainstay("diff", str(shop), "--good", good, "--bad", bad).stdout
    same = mainstay("diff", "--good", str(shop), "--bad", str(shop))
    assert same.stdout == "Nothing differs beyond chance.\n"


@pytest.mark.parametrize("command", ["search x", "templates", "search x --json", "tail --once"])
def test_nothing_that_a_log_says_reaches_the_terminal_as_an_order(
    tmp_path: Path, command: str
) -> None:
    path = tmp_path / "evil.log"
    path.write_text(f"2026-03-01T00:00:00Z ERROR x: x {EVIL}\n" * 3)
    verb, *more = command.split()
    said = mainstay(
        verb, *[one for one in more if one == "x"], str(path), *[m for m in more if m != "x"]
    )
    assert "script" in said.stdout, said.stderr
    assert not set(said.stdout) & set("\x1b\x07\u202e")
    assert "49" not in said.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("search", "x", "/nowhere.log"), ("search", "(", "--regex", "."), ("histogram", ".", "--step", "1x"),
        ("stats", ".", "--since", "yesterdayish"), ("stats", ".", "--zone", "Mars/Base"),
        ("diff", ".", "--good", "10:00", "--bad", "11:00..12:00"),
        ("diff", ".", "--good", "11:00..10:00", "--bad", "11:00..12:00"), ("tail", "-"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(shop: Path, words: tuple[str, ...]) -> None:
    said = mainstay(*[str(shop) if one == "." else one for one in words])
    assert said.returncode == 2, said.stderr
    assert said.stderr.startswith("mainstay: ")
    assert "Traceback" not in said.stderr


def test_broken_bytes_stop_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.log"
    path.write_bytes(
        b"2026-03-01T00:00:00Z ERROR a.b: \xff\xfe\x00 x\n" + bytes(range(256)) * 50 + b"\n\n"
    )
    for verb in ("templates", "stats", "histogram"):
        said = mainstay(verb, str(path))
        assert said.returncode == 0, said.stderr


@pytest.fixture
def tail(shop: Path) -> Iterator[IO[str]]:
    command = [
        sys.executable,
        "-m",
        "mainstay",
        "logs",
        "tail",
        str(shop),
        "-n",
        "1",
        "--level",
        "error",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout
        running.kill()


def test_tail_follows_over_rotation(shop: Path, tail: IO[str]) -> None:
    with shop.open("a") as file:
        file.write(f"{BEGIN}12:00:00Z ERROR shop.db: first\n")
    assert "first" in tail.readline()
    shop.rename(shop.with_suffix(".1"))
    shop.write_text(
        f"{BEGIN}12:00:01Z INFO shop.db: quiet\n{BEGIN}12:00:02Z ERROR shop.db: second\n"
    )
    assert "second" in tail.readline()
