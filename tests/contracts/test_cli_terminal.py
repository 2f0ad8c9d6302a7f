"""Is the live view whole on a real terminal: drawn, steered by keys, calm when the server is away?"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_serving import Install, kill_quietly

from peers import wait_until

WITHIN_S = 30
STEERING = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()][0-9A-B]?)")
SHOW_SCREEN, HIDE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A command on a pseudo-terminal: what it draws, and keys for it."""

    def __init__(self, install: Install, *arguments: str, columns: int = 100, rows: int = 40):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        environment = {**install.environment(), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            install.command(*arguments), cwd=install.folder, env=environment,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        self.slave = slave
        self.raw = b""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        self.seen()
        self.raw = b""
        os.write(self.master, keys.encode())

    def seen(self) -> str:
        """What was drawn since the last key, without the steering."""
        while select.select([self.master], [], [], 0)[0]:
            self.raw += os.read(self.master, 65_536)
        return STEERING.sub(b"", self.raw).decode("utf-8", "replace")

    def shows(self, words: str) -> None:
        """Wait for words; fail with the end of what was drawn."""
        try:
            wait_until(lambda: words in self.seen(), within_s=WITHIN_S, what=words)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.seen()[-3000:]}") from None

    def ends(self) -> int:
        def ended() -> bool:
            self.seen()  # a full terminal would hold it up
            return self.process.poll() is not None

        wait_until(ended, within_s=WITHIN_S, what="the command to end")
        self.seen()
        return int(self.process.returncode)

    def close(self) -> None:
        kill_quietly(self.process)
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Install(tmp_path, capsys)
    made.start("--estate", str(made.estate()))
    made.says("report", "the till is down", "--service", "shop", "--severity", "critical")
    wait_until(lambda: "the till" in made.says("incidents"), within_s=20, what="the incident")
    yield made
    kill_quietly(made.process)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


def test_the_live_view_acts_on_keys_and_gives_the_terminal_back(
    install: Install, terminals: list[Terminal]
) -> None:
    terminal = Terminal(install, "shift")
    terminals.append(terminal)
    terminal.shows("the till is down")
    assert SHOW_SCREEN in terminal.raw
    name = install.json("incidents")["items"][-1]["name"]
    while f"▸ {name}" not in terminal.seen():
        terminal.press("\x1b[B")
        terminal.shows("▸")
    terminal.press("a")
    terminal.shows(f"operator acknowledged {name}")
    terminal.press("n")
    terminal.shows(f"Note for {name}")
    terminal.press("quite a queue\r")
    terminal.shows("Noted")
    terminal.press("t")
    terminal.shows("operator has it")
    terminal.press("\x1b")
    terminal.shows("a acknowledge")
    terminal.resize(30, 6)
    terminal.press("j")
    terminal.shows("Mainstay")
    terminal.resize(100, 40)
    terminal.press("r")
    terminal.shows(f"Resolve {name}?")
    terminal.press("y")
    terminal.shows("resolved")
    terminal.press("q")
    assert terminal.ends() == 0
    assert HIDE_SCREEN in terminal.raw
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert "quite a queue" in install.says("trace", name)


def test_the_live_view_goes_on_when_the_server_is_away(
    install: Install, terminals: list[Terminal]
) -> None:
    terminal = Terminal(install, "shift")
    terminals.append(terminal)
    terminal.shows("the till is down")
    install.stop(signal.SIGKILL)
    terminal.shows("Not reachable since")
    terminal.shows("trying again")
    terminal.press("j")
    terminal.shows("the till is down")
    install.start()

    def back() -> bool:
        terminal.press("j")
        terminal.shows("▸")
        return "Not reachable" not in terminal.seen()

    wait_until(back, within_s=WITHIN_S, what="the view to be live again")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ends() == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before


def test_once_prints_one_frame_in_colour_and_ends(
    install: Install, terminals: list[Terminal]
) -> None:
    terminal = Terminal(install, "shift", "--once")
    terminals.append(terminal)
    assert terminal.ends() == 0
    assert "the till is down" in terminal.seen()
    assert b"\x1b[" in terminal.raw
    assert SHOW_SCREEN not in terminal.raw
