"""The runner, from our side: orders go in, what came of them comes back."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from mainstay.foundation.errors import Invalid, Outside, TimedOut
from mainstay.foundation.secrets import is_reference, resolve

RUNNER = Path(__file__).with_name("runner.py")
TIMED_OUT, CUT, NOT_STARTED = 1, 2, 4
"""As the runner has them."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLUGIN_FOLDERS = (
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
)
"""Where a plug-in is looked for that is named without its folder."""
_LENGTH = struct.Struct("!I")
LATE_S = 5.0
"""How long after its deadline a program may take to be cleared away."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it said. `signal` 0: by itself."""

    exit: int
    signal: int
    output: bytes
    errors: bytes
    is_cut: bool


class Orders:
    """One runner process, started at the first order and again if it should end."""

    def __init__(self, install: str, environment: Mapping[str, str]) -> None:
        """`install`: names this Mainstay in what it starts, so that its next start knows it."""
        self._install = install
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        """Our end of its input: shut, it says so at once, whether or not a loop still runs."""
        self._writer: asyncio.StreamWriter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[list[Any]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def run(
        self, argv: list[str], *, env: Mapping[str, str], stdin: bytes | None, timeout_s: float
    ) -> Ran:
        """Run a program. TimedOut when it had to be killed; Outside when it cannot be started."""
        writer = await self._ready()
        number = next(self._numbers)
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        given = {"PATH": PATH, "LC_ALL": "C.UTF-8", **env}
        order = [number, [_found(argv[0]), *argv[1:]], given, stdin, round(timeout_s * 1000)]
        packed = msgspec.msgpack.encode(order)
        writer.write(_LENGTH.pack(len(packed)) + packed)
        try:
            async with asyncio.timeout(timeout_s + LATE_S):
                _, code, sig, out, err, flags = await future
        except TimeoutError:
            raise TimedOut(f"{argv[0]} did not end within {timeout_s:g} s.") from None
        finally:
            self._waiting.pop(number, None)
        if flags & TIMED_OUT:
            raise TimedOut(f"{argv[0]} did not end within {timeout_s:g} s; it was killed.")
        if flags & NOT_STARTED:
            raise Outside(f"{argv[0]} cannot be started: {err.decode('utf-8', 'replace').lower()}.")
        return Ran(code, sig, out, err, bool(flags & CUT))

    def secret_env(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment with its references read; no other variable of ours."""
        return {
            name: self.secret(text) if is_reference(text) else text for name, text in env.items()
        }

    def secret(self, reference: str) -> str:
        """What a reference points to."""
        return resolve(reference, environment=self._environment)

    def close(self) -> None:
        """End the runner, and with it everything that it runs."""
        if self._process is not None:
            self._hang_up()
            if self._writer is not None:
                self._writer.transport.abort()
            try:
                self._process.wait(LATE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = None

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.shutdown(socket.SHUT_WR)
            self._line.close()
            self._line = None

    async def _ready(self) -> asyncio.StreamWriter:
        """The way in to a runner that lives; many may ask at once, and one of them starts it."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._turn, self._writer = loop, asyncio.Lock(), None
        async with self._turn:
            alive = self._process is not None and self._process.poll() is None
            if alive and self._writer is not None:
                return self._writer
            return await self._start(loop)

    async def _start(self, loop: asyncio.AbstractEventLoop) -> asyncio.StreamWriter:
        if self._process is not None:  # of a loop that has ended, or dead: its input is closed
            self._process.kill()
            self._process.wait()
            self._hang_up()
        self._line, its_end = socket.socketpair()
        with its_end:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - once, of our own file
                [sys.executable, "-I", str(RUNNER), self._install],
                stdin=its_end.fileno(), stdout=subprocess.PIPE, env={"PATH": PATH}, bufsize=0,
                start_new_session=True,
            )  # fmt: skip
        assert self._process.stdout is not None
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, self._line.dup()
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
        )
        self._reading = asyncio.create_task(self._read(reader))
        return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                answer = msgspec.msgpack.decode(await reader.readexactly(size))
                future = self._waiting.pop(answer[0], None)
                if future is not None and not future.done():
                    future.set_result(answer)
        except (asyncio.IncompleteReadError, OSError):
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Outside("The process that runs programs has ended."))
            self._waiting.clear()


def _found(program: str) -> str:
    """The program's path. Invalid when there is none of this name."""
    if "/" in program:
        return program
    found = shutil.which(program, path=":".join((*PLUGIN_FOLDERS, PATH)))
    if found is None:
        raise Invalid(f"There is no program {program!r} here; install it, or write its whole path.")
    return found
