"""Pages of the guide as a reader would follow them: the files they show, the commands they run.

A fence ```console holds commands (`$ …`) and, below each, words of what it prints. A fence with
`file=NAME` holds a file. Everything else is only to be read.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from peers import wait_until

MARK = "--done--"
WORD = re.compile(r"✓|[^\W\d_][\w-]{2,}")
FENCE = re.compile(r"^```(\w+)?(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STAYS = ("mainstay serve", "mainstay logs keep", "prometheus ", "make run")
"""Commands that stay in the foreground of a terminal of their own."""
LOOKS = re.compile(
    r"(run/)?mainstay (incidents|alerts|trace|signals|shift|silence list|audit|nodes|logs kept)\b"
    r"|mainstay (start-of-day|handover)$"
)
"""Commands that only look, and may be asked again until they see it."""
NOBODY = "No Mainstay answers"
"""Said while a server that the page has killed comes back: a person would ask again, too."""
WITHIN_S = 60


@dataclass(frozen=True)
class Step:
    """A command with the words that must be in its output, or a file to write."""

    line: int
    command: str = ""
    shown: str = ""
    file: str = ""
    text: str = ""

    @property
    def words(self) -> list[str]:
        return WORD.findall(self.shown)


def steps(page: str) -> list[Step]:
    """What a reader of the page does, in order."""
    found: list[Step] = []
    for fence in FENCE.finditer(page):
        kind, file, text = fence.groups()
        line = page.count("\n", 0, fence.start()) + 2
        if file:
            found.append(Step(line, file=file, text=text))
        elif kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                found.append(Step(line, command=command, shown=shown))
    return found


@dataclass
class Reader:
    """Follows pages in a folder of its own, with a shell that lasts as long as the page."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    instead: Sequence[tuple[str, str]] = ()
    """What a page says, and what stands for it here: ports, providers."""

    def __post_init__(self) -> None:
        programs = self.folder / "programs"
        programs.mkdir()
        script = programs / "mainstay"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mainstay "$@"\n')
        script.chmod(0o700)
        self.home = self.folder / "home"
        self.work = self.folder / "work"
        self.home.mkdir()
        self.work.mkdir()
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(self.home), "TZ": "UTC",
            "LANG": "C.UTF-8", "MAINSTAY_RESERVE_MIB": "1", **self.settings,
        }  # fmt: skip
        self.staying: list[subprocess.Popen[bytes]] = []
        self.shell = subprocess.Popen(
            ["bash", "--norc"], cwd=self.work, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def follow(self, page: Path) -> int:
        """Do everything that the page says; how many commands that were."""
        done = steps(page.read_text(encoding="utf-8"))
        for step in done:
            where = f"{page.name}:{step.line}"
            if step.file:
                self._write(step)
            elif step.command.startswith(STAYS):
                self._stay(step, where)
            else:
                self._run(step, where)
        return sum(bool(step.command) for step in done)

    def leave(self) -> None:
        """Close every terminal."""
        assert self.shell.stdin is not None
        self.shell.stdin.close()
        self.shell.wait(10)
        for process in reversed(self.staying):
            process.terminate()
            process.wait(20)

    def _here(self, text: str) -> str:
        for said, stands in self.instead:
            text = text.replace(said, stands)
        return text

    def _write(self, step: Step) -> None:
        path = self.work / step.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._here(step.text), encoding="utf-8")

    def _stay(self, step: Step, where: str) -> None:
        command = self._here(step.command).replace("make run", "mainstay demo")
        out = self.folder / f"stays-{len(self.staying)}.txt"
        with out.open("wb") as file:
            self.staying.append(
                subprocess.Popen(
                    ["bash", "-c", f"exec {command}"],
                    cwd=self.work,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                )
            )
        process = self.staying[-1]

        def seen() -> bool:
            text = out.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, f"{where}: $ {step.command} ended:\n{text}"
            return all(word in text for word in step.words)

        wait_until(seen, within_s=WITHIN_S, what=f"{where}: $ {step.command} to say {step.words}")

    def _run(self, step: Step, where: str) -> None:
        said: list[str] = []

        def seen() -> bool:
            code, text = self._ask(self._here(step.command))
            said[:] = [text]
            missing = [word for word in step.words if word not in text]
            if code == 0 and not missing:
                return True
            if LOOKS.match(step.command) or NOBODY in text:
                return False
            return pytest.fail(
                f"{where}: $ {step.command}\nexit {code}, without {missing}:\n{text}"
            )

        try:
            wait_until(seen, within_s=WITHIN_S, what=f"{where}: $ {step.command}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says:\n{said[0]}") from None

    def _ask(self, command: str) -> tuple[int, str]:
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{{ {command}; }} < /dev/null\ncode=$?; echo; echo {MARK}$code\n")
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(MARK):
                return int(line.removeprefix(MARK)), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended at: $ {command}")
