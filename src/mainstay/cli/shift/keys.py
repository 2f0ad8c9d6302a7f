"""Keys of a terminal, one at a time, without waiting for Enter; the terminal as it was afterwards."""

from __future__ import annotations

import codecs
import os
import select
import termios
import tty
from types import TracebackType
from typing import Any, TextIO

READ_BYTES = 1024
_NAMED = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down",
    "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\x1b": "escape",
}  # fmt: skip


class Keys:
    """A context in which `read` gives keys by name (`up`, `enter`) or as their character."""

    def __init__(self, terminal: TextIO) -> None:
        self._number = terminal.fileno()
        self._before: list[Any] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def __enter__(self) -> Keys:
        self._before = termios.tcgetattr(self._number)
        tty.setcbreak(self._number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._number, termios.TCSADRAIN, self._before)

    def read(self, within_s: float) -> list[str]:
        """The keys that were pressed, after at most `within_s`; EOFError when the terminal is gone."""
        ready, _, _ = select.select([self._number], [], [], within_s)
        if not ready:
            return []
        try:
            raw = os.read(self._number, READ_BYTES)
        except OSError:  # the terminal was closed
            raw = b""
        if not raw:
            raise EOFError
        return named(self._decoder.decode(raw))


def named(text: str) -> list[str]:
    """What a terminal sent, as keys; sequences that mean nothing to us are dropped."""
    keys = []
    while text:
        length = _sequence(text)
        part, text = text[:length], text[length:]
        if part in _NAMED:
            keys.append(_NAMED[part])
        elif len(part) == 1:
            keys.append(part)
    return keys


def _sequence(text: str) -> int:
    """Characters of the first key: an escape sequence ends at its letter (ECMA-48 §5.4)."""
    if text[0] != "\x1b" or len(text) == 1:
        return 1
    if text[1] == "O":
        return min(3, len(text))
    if text[1] != "[":
        return 1
    for place in range(2, len(text)):
        if "@" <= text[place] <= "~":
            return place + 1
    return len(text)
