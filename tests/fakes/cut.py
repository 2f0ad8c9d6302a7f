"""Two ways to cut a node off, so that its connections stay open and nothing comes through.

`Namespace` takes the whole machine's network away, `Wire` one connection's way to one server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Protocol

BLOCK = 65_536
_NET = f"10.213.{os.getpid() % 250}"


class Cut(Protocol):
    """What can be cut, and mended."""

    def down(self) -> None: ...
    def up(self) -> None: ...


class Namespace:
    """A network of its own for one process, joined to ours by a pair of virtual cards.

    Ours has `host`, the inner one `inside`; what is to be reached from inside listens at `shore()`.
    Needs the rights of root.
    """

    def __init__(self, number: int) -> None:
        self.name = f"mst{os.getpid()}n{number}"
        self.host = f"{_NET}.{4 * number + 1}"
        self.inside = f"{_NET}.{4 * number + 2}"
        self._card = f"mst{os.getpid() % 100_000}c{number}"

    @classmethod
    @contextlib.contextmanager
    def made(cls, number: int) -> Iterator[Namespace]:
        """One that is up; taken down at the end."""
        made = cls(number)
        try:
            made._make()
            yield made
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", made.name)
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("link", "delete", made._card)

    @staticmethod
    def why_not() -> str | None:
        """Why this machine gives no namespaces, or None."""
        if shutil.which("ip") is None:
            return "no ip here (make peers says how to get it)"
        try:
            with Namespace.made(9):
                return None
        except subprocess.CalledProcessError as error:
            return f"the kernel gives no network namespace: {error.stderr.decode().strip()}"

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command begins with to run inside; it becomes that command, with the same pid."""
        return ("ip", "netns", "exec", self.name)

    def down(self) -> None:
        """Nothing comes in or out."""
        _ip("link", "set", self._card, "down")

    def up(self) -> None:
        """As before."""
        _ip("link", "set", self._card, "up")

    def _make(self) -> None:
        inner = f"{self._card}i"
        _ip("netns", "add", self.name)
        _ip("link", "add", self._card, "type", "veth", "peer", "name", inner)
        _ip("link", "set", inner, "netns", self.name)
        _ip("address", "add", f"{self.host}/30", "dev", self._card)
        _ip("link", "set", self._card, "up")
        within = ("-n", self.name)
        _ip(*within, "address", "add", f"{self.inside}/30", "dev", inner)
        _ip(*within, "link", "set", inner, "up")
        _ip(*within, "link", "set", "lo", "up")
        _ip(*within, "route", "add", "default", "via", self.host)


@contextlib.contextmanager
def shore() -> Iterator[str]:
    """An address of ours that stays when a namespace is cut off."""
    address = f"{_NET}.254"
    _ip("address", "add", f"{address}/32", "dev", "lo")
    try:
        yield address
    finally:
        _ip("address", "delete", f"{address}/32", "dev", "lo")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Wire:
    """A TCP proxy to one server. Cut, it takes nothing in and passes nothing on.

    A process of its own: among the threads of a test each journey to the database would wait for
    its turn, and a node behind it would be slow before anything is cut.
    """

    def __init__(self, host: str, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, host, str(port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def down(self) -> None:
        """What was sent and not yet passed on waits, as in the buffers of a dead line."""
        self._process.send_signal(signal.SIGSTOP)

    def up(self) -> None:
        """It goes on."""
        self._process.send_signal(signal.SIGCONT)


async def _proxy(host: str, port: int) -> None:
    """Until killed; prints the port that it listens on."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_proxy(sys.argv[1], int(sys.argv[2])))
