"""A wire between two programs that can be slow, dead, cut, half cut or noisy.

    with Wire(("127.0.0.1", port)) as wire:
        …                                  # connect to wire.port instead of port
        wire.fault = "blackhole"           # also for connections that are open
        wire.cut()                         # every connection is reset
        wire.target = other                # where new connections lead: a fail-over

Faults: `delay` (0.5 s each way), `reset` (each connection, at its next byte), `half` (the answer's
side is closed, the other stays open), `blackhole` (bytes go in, none come out), `trickle` (one byte
a second), `corrupt` (a bit of each answer is wrong).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from concurrent.futures import Future
from typing import Any, Literal

Fault = Literal["delay", "reset", "half", "blackhole", "trickle", "corrupt"]
FAULTS: tuple[Fault, ...] = ("delay", "reset", "half", "blackhole", "trickle", "corrupt")
DELAY_S = 0.5
TRICKLE_S = 1.0
CHUNK = 65_536


class Wire:
    """On an event loop and a port of its own."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.fault: Fault | None = None
        self.port = 0
        self.connections = 0
        """Ever accepted."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Wire:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def at(self) -> str:
        """`host:port`, as a URL has it."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection that is open."""
        self._run(self._cut())

    # -- within the loop ---------------------------------------------------------------------------

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        ends = {writer, far}
        self._open |= ends
        try:
            with contextlib.suppress(asyncio.CancelledError):  # our own end
                await asyncio.gather(
                    self._pump(reader, far, answers=False),
                    self._pump(far_reader, writer, answers=True),
                )
        finally:
            self._open -= ends
            for end in ends:
                end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                match self.fault:
                    case "blackhole":
                        continue
                    case "reset":
                        await self._cut()
                        return
                    case "half" if answers:
                        break
                    case "delay":
                        await _pause(DELAY_S)
                    case "corrupt" if answers:
                        data = bytes([data[0] ^ 0x40]) + data[1:]
                    case "trickle":
                        await self._trickle(writer, data)
                        continue
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

    async def _trickle(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """A byte a second; the rest at once when the fault is over."""
        for position in range(len(data)):
            if self.fault != "trickle":
                writer.write(data[position:])
                break
            writer.write(data[position : position + 1])
            await _pause(TRICKLE_S)
        await writer.drain()


async def _pause(span_s: float) -> None:
    """The fault itself, no wait for anything."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(span_s, passed.set)
    await passed.wait()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed peer or a firewall does."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
