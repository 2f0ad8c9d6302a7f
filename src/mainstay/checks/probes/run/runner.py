"""The process that starts the programs of checks, bounds what they say, and leaves none behind.

Run as a script, by its path, with nothing of Mainstay in memory: it reads orders from its standard
input and writes what came of them to its standard output, each a msgpack message after its length.

    order   [number, argv, env, stdin, timeout_ms]        gone   [number, exit, signal, out, err, flags]

A program gets a session of its own, an environment that holds what the order says and nothing
else, and a token in it. This process is the subreaper of all of them (prctl(2)): whoever leaves its
parent by a double fork or a new session becomes our child, and is found by its parent or its token.
At its deadline a program is killed with everything that descends from it; when it ends, whatever it
left behind. When our own input ends, Mainstay has: everything is killed. What a runner that was
itself killed has left is found by the token at the next start.
"""

from __future__ import annotations

import ctypes
import os
import select
import selectors
import signal
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

OUTPUT_BYTES_MAX = 64 * 1024
"""Kept of each stream; the rest is read and dropped, so that nobody blocks on a full pipe."""
TOKEN = "MAINSTAY_LOOK"  # noqa: S105 (a name, no secret)
"""Set in each program's environment: the install, this runner's pid, the order's number."""
TIMED_OUT, CUT, NOT_STARTED = 1, 2, 4
_LENGTH = struct.Struct("!I")
_READ = 65_536
_PR_SET_CHILD_SUBREAPER = 36
_GO_ON_S = 0.05
"""After the end of a program, so long is waited for the end of what it wrote."""


@dataclass(slots=True)
class Running:
    """A program under way. `said`: what it wrote, by the descriptor that it came from."""

    number: int
    pid: int
    pidfd: int
    deadline: float
    said: dict[int, bytearray]
    open: set[int]
    flags: int = 0
    status: int | None = None
    ended_at: float = 0.0


class Runner:
    """One loop over pipes, ends and deadlines; no threads."""

    def __init__(self, install: str) -> None:
        self._mark = f"{install}:{os.getpid()}"
        self._selector = selectors.EpollSelector()
        self._running: dict[int, Running] = {}
        self._waiting = bytearray()
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._reply = msgspec.msgpack.Encoder().encode
        self._order = msgspec.msgpack.Decoder().decode
        self._sent: list[bytes] = []
        self._open = True

    def run(self) -> None:
        """Until our input ends; then nothing of ours is left."""
        os.set_blocking(0, False)
        self._selector.register(0, selectors.EVENT_READ, None)
        while self._open or self._running:
            for key, _ in self._selector.select(self._patience_s()):
                if key.data is None:
                    self._take_orders()
                elif key.fd == key.data.pidfd:
                    self._ended(key.data)
                elif key.fd in key.data.open:  # not closed by what came before it in this turn
                    self._heard(key.data, key.fd)
            self._look_at_the_clock()
            self._flush()
            if not self._open:
                self._kill_all()

    # -- orders ------------------------------------------------------------------------------------

    def _take_orders(self) -> None:
        try:
            chunk = os.read(0, _READ)
        except BlockingIOError:
            return
        if not chunk:
            self._open = False
            self._selector.unregister(0)
            return
        self._waiting += chunk
        while len(self._waiting) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._waiting)
            if len(self._waiting) < _LENGTH.size + size:
                return
            order = self._order(memoryview(self._waiting)[_LENGTH.size : _LENGTH.size + size])
            del self._waiting[: _LENGTH.size + size]
            self._start(*order)

    def _start(
        self,
        number: int,
        argv: list[str],
        env: dict[str, str],
        stdin: bytes | None,
        timeout_ms: int,
    ) -> None:
        out, out_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        err, err_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(out_end, True)
        os.set_blocking(err_end, True)
        given = self._null if stdin is None else _filled(stdin)
        actions = [
            (os.POSIX_SPAWN_DUP2, given, 0),
            (os.POSIX_SPAWN_DUP2, out_end, 1),
            (os.POSIX_SPAWN_DUP2, err_end, 2),
        ]
        env = env | {TOKEN: f"{self._mark}:{number}"}
        try:
            pid = os.posix_spawn(
                argv[0], argv, env, file_actions=actions, setsid=True, setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGINT),
            )  # fmt: skip
        except (OSError, ValueError) as error:
            os.close(out)
            os.close(err)
            words = (getattr(error, "strerror", None) or str(error)).encode()
            self._send(number, -1, 0, b"", words, NOT_STARTED)
            return
        finally:
            os.close(out_end)
            os.close(err_end)
            if stdin is not None:
                os.close(given)
        one = Running(
            number, pid, os.pidfd_open(pid), time.monotonic() + timeout_ms / 1000,
            {out: bytearray(), err: bytearray()}, {out, err},
        )  # fmt: skip
        self._running[pid] = one
        for fd in (one.pidfd, out, err):
            self._selector.register(fd, selectors.EVENT_READ, one)

    # -- what becomes of them ----------------------------------------------------------------------

    def _heard(self, one: Running, fd: int) -> bool:
        """Take what is there; False when there is no more for now, or ever."""
        try:
            chunk = os.read(fd, _READ)
        except BlockingIOError:
            return False
        if not chunk:
            self._close(one, fd)
            if one.status is not None and not one.open:
                self._finish(one)
            return False
        kept = one.said[fd]
        room = OUTPUT_BYTES_MAX - len(kept)
        kept += chunk[:room]
        if len(chunk) > room:
            one.flags |= CUT
        return True

    def _close(self, one: Running, fd: int) -> None:
        self._selector.unregister(fd)
        os.close(fd)
        one.open.discard(fd)

    def _ended(self, one: Running) -> None:
        _, one.status = os.waitpid(one.pid, 0)
        one.ended_at = time.monotonic()
        self._selector.unregister(one.pidfd)
        os.close(one.pidfd)
        one.pidfd = -1
        for fd in list(one.open):  # what is in the pipe already; what goes on is cut
            while fd in one.open and not one.flags & CUT and self._heard(one, fd):
                pass
        if not one.open:
            self._finish(one)

    def _finish(self, one: Running) -> None:
        """Tell of it; whatever of it still runs is killed."""
        if self._running.pop(one.pid, None) is None:
            return
        is_held = bool(one.open)  # somebody whom it left behind holds the other end
        for fd in list(one.open):
            self._close(one, fd)
        if is_held or one.flags & TIMED_OUT or self._strays():
            kill_tree(None, f"{self._mark}:{one.number}")
            self._kill_nameless()
        out, err = (bytes(text) for text in one.said.values())
        assert one.status is not None
        code = os.waitstatus_to_exitcode(one.status)
        self._send(one.number, max(code, -1), max(-code, 0), out, err, one.flags)

    def _strays(self) -> set[int]:
        """Children of ours that we have not started: they have left their parents."""
        found = _children_of(os.getpid()) - self._running.keys()
        for pid in list(found):
            if os.waitpid(pid, os.WNOHANG)[0]:
                found.discard(pid)
        return found

    def _kill_nameless(self) -> None:
        """A stray that has emptied its environment is nobody's, and ends."""
        nameless = {pid for pid in self._strays() if TOKEN.encode() not in _environ(pid)}
        for pid in nameless:
            _signal(pid, signal.SIGKILL)
        _reap(nameless)

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        for one in list(self._running.values()):
            if one.status is not None:
                if now - one.ended_at >= _GO_ON_S:
                    self._finish(one)
            elif now >= one.deadline and not one.flags & TIMED_OUT:
                one.flags |= TIMED_OUT
                kill_tree(one.pid, f"{self._mark}:{one.number}")

    def _patience_s(self) -> float:
        now = time.monotonic()
        ends = [
            one.ended_at + _GO_ON_S if one.status is not None else one.deadline
            for one in self._running.values()
        ]
        return max(0.0, min([1.0, *(end - now for end in ends)]))

    def _kill_all(self) -> None:
        for one in self._running.values():
            one.flags |= TIMED_OUT
            kill_tree(one.pid, f"{self._mark}:{one.number}")

    # -- telling -----------------------------------------------------------------------------------

    def _send(self, *message: Any) -> None:
        packed = self._reply(message)
        self._sent.append(_LENGTH.pack(len(packed)) + packed)

    def _flush(self) -> None:
        data, self._sent = b"".join(self._sent), []
        while data:
            try:
                data = data[os.write(1, data) :]
            except BrokenPipeError:
                self._open = False
                return


def _filled(words: bytes) -> int:
    """A file in memory that holds `words`: no other process can find it by a name."""
    fd = os.memfd_create("input", os.MFD_CLOEXEC)
    os.write(fd, words)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


# -- a whole tree ----------------------------------------------------------------------------------


def kill_tree(pid: int | None, mark: str) -> None:
    """Kill everything that descends from `pid`, or that has `mark` in its environment.

    `pid` None: it has been reaped, and its number may be another's by now.

    Stopped first, so that nobody forks while we look; looked at again until nobody new is found.
    """
    known: set[int] = set()
    for _ in range(20):
        roots = known | _marked(mark) | (set() if pid is None else {pid})
        found = _descendants(roots)
        new = found - known - {os.getpid()}
        if not new:
            break
        for one in new:
            _signal(one, signal.SIGSTOP)
        known |= new
    for one in known:
        _signal(one, signal.SIGKILL)
    _reap(known - {pid} if pid is not None else known)


def _reap(pids: set[int]) -> None:
    """Those that have become our own children leave no zombie."""
    end = time.monotonic() + 1
    left = set(pids)
    while left and time.monotonic() < end:
        for pid in list(left):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                if not Path(f"/proc/{pid}").exists() or _parent(pid) != os.getpid():
                    left.discard(pid)
                continue
            if done:
                left.discard(pid)
        if left:
            select.select((), (), (), 0.001)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        pass  # it has become somebody else's, as a set-user-id program does


def _descendants(roots: set[int]) -> set[int]:
    parents = {pid: _parent(pid) for pid in _pids()}
    found = {pid for pid in roots if pid in parents}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _marked(mark: str) -> set[int]:
    wanted = f"{TOKEN}={mark}".encode()
    return {pid for pid in _pids() if wanted in _environ(pid).split(b"\0")}


def _pids() -> list[int]:
    names = os.listdir("/proc")  # noqa: PTH208 - twice as quick, and it is walked often
    return [int(name) for name in names if name.isdigit()]


def _children_of(pid: int) -> set[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return {one for one in _pids() if _parent(one) == pid}
    return {int(word) for word in text.split()}


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return -1
    return int(stat.rpartition(")")[2].split()[1])


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def clear_away(install: str) -> None:
    """Kill what an earlier runner of this install left when it was killed itself."""
    begin = f"{TOKEN}={install}:".encode()
    for pid in _pids():
        for word in _environ(pid).split(b"\0"):
            if word.startswith(begin):
                runner = int(word[len(begin) :].split(b":")[0])
                if runner != os.getpid() and not Path(f"/proc/{runner}").exists():
                    _signal(pid, signal.SIGKILL)


def main() -> None:
    """As the subreaper of what it starts."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Mainstay's; our input ends with it
    install = sys.argv[1]
    clear_away(install)
    Runner(install).run()


if __name__ == "__main__":
    main()
