"""Real PostgreSQL servers to test against: made, stopped, killed, paused, failed over.

    with Cluster.made() as primary:
        url = primary.create("one")
        primary.kill9()
        primary.start()

Each is Debian's own program on a free loopback port and a socket in a folder of its own, in memory
where the machine offers it. As root the server runs as `postgres`. What it does to its disk is
what a production server does: `fsync`, `full_page_writes` and `synchronous_commit` stay on.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

from peers import free_port, wait_until

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 30.0
SUPERUSER = "postgres"
ROLE = "mainstay"
PASSWORD = "correct horse battery"
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",  # a template must have no other visitor when it is copied
    "wal_level": "replica",
    "max_wal_senders": "8",
    "hot_standby": "on",
    "dynamic_shared_memory_type": "mmap",  # after kill -9 nothing is left outside of its folder
    "log_min_messages": "warning",
}
ACCESS = """
local all         all                  trust
host  all         all     127.0.0.1/32 scram-sha-256
local replication all                  trust
"""


def programs() -> Path:
    """Where initdb and postgres are, the newest; skips the test where there are none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if not found:
        pytest.skip("no PostgreSQL here (make peers says how to get it)")
    return found[-1].parent


@dataclass
class Cluster:
    """One server: its folder, its port, its process."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """Of its processes from the next start on, beside ours."""
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def made(cls, *, memory: bool = True, **settings: str) -> Cluster:
        """A new cluster, started; `settings` are postgresql.conf's, over ours.

        `memory`: its disk is in memory where the machine offers that.
        """
        cluster = cls(_folder(memory=memory), settings=settings)
        cluster._run(
            "initdb", "-D", str(cluster.data), "-U", SUPERUSER, "-A", "trust", "--no-sync",
            # Not C: what relies on the order of bytes must say so itself.
            "-E", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US",
        )  # fmt: skip
        (cluster.data / "pg_hba.conf").write_text(ACCESS)
        cluster.start()
        cluster.run(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        return cluster

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.folder / "data"

    # -- life --------------------------------------------------------------------------------------

    def start(self, *, wait: bool = True) -> None:
        """Start the server, and wait until it answers."""
        options = {
            **SETTINGS, "port": str(self.port), "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder), **self.settings,
        }  # fmt: skip
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        own = [f"{name}={value}" for name, value in self.environment.items()]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_postgres(), "env", *own, str(programs() / "postgres"), "-D", str(self.data),
                 *flags],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        if wait:
            wait_until(self.answers, within_s=READY_WITHIN_S, what=f"PostgreSQL: {self.log()}")

    def stop(self, *, mode: str = "fast") -> None:
        """As its administrator would; `immediate` is a crash that leaves nobody running."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")
        self._reap()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def kill9(self) -> None:
        """SIGKILL to every one of its processes: the machine is gone, the disk is kept.

        None is left afterwards: one that still dies would keep the next server from starting.
        """
        killed = self._processes()
        for process in killed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._reap()
        wait_until(
            lambda: not any(_lives(process) for process in killed),
            within_s=STOP_WITHIN_S, what="the end of every process of a killed PostgreSQL",
        )  # fmt: skip

    def pause(self) -> None:
        """SIGSTOP to every one of its processes: connections stay open and nothing answers."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def resume(self) -> None:
        """The end of a pause."""
        for process in reversed(self._processes()):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def end(self) -> None:
        """Gone, with its folder."""
        if self._process is not None:
            self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- asking ------------------------------------------------------------------------------------

    def url(self, name: str = "postgres", *, user: str = SUPERUSER) -> str:
        """By its socket, without a password."""
        return f"postgresql://{user}@/{name}?host={self.folder}&port={self.port}"

    def url_by_tcp(self, name: str = "postgres", *, user: str = ROLE) -> str:
        """By TCP: asks for `PASSWORD`."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    def run(self, text: str, *, on: str = "postgres") -> None:
        """Statements of an administrator; some, as CREATE DATABASE, only alone."""
        with psycopg.connect(self.url(on), autocommit=True, connect_timeout=10) as connection:
            connection.execute(text.encode())

    def rows(self, text: str, *, on: str = "postgres") -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg.connect(self.url(on), autocommit=True, connect_timeout=10) as connection:
            return connection.execute(text.encode()).fetchall()

    def create(self, name: str, *, template: str = "template0") -> str:
        """A new database; its URL. A copy of `template` takes about 10 ms."""
        text = "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY"
        names = (sql.Identifier(one) for one in (name, ROLE, template))
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(text).format(*names))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Away with it, whoever is connected."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            words = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(words.format(sql.Identifier(name)))

    def answers(self) -> bool:
        """Whether it takes statements now. Fails when it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return bool(self.rows("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def log(self) -> str:
        """The end of what it has printed."""
        path = self.folder / "log.txt"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    # -- standby -----------------------------------------------------------------------------------

    def standby(self, *, synchronous: bool, name: str = "standby") -> Cluster:
        """A second server that follows this one; a synchronous one is waited for at each commit."""
        other = Cluster(_folder(), settings=dict(self.settings))
        where = f"host={self.folder} port={self.port} user={SUPERUSER} application_name={name}"
        self._run("pg_basebackup", "-D", str(other.data), "-d", where, "-R", "-X", "stream", "-c",
                  "fast", "--no-sync")  # fmt: skip
        other.start()
        self.run(f"ALTER SYSTEM SET synchronous_standby_names = '{name if synchronous else ''}'")
        self.run("SELECT pg_reload_conf()")
        wanted = "sync" if synchronous else "async"
        wait_until(
            lambda: self.rows("SELECT sync_state FROM pg_stat_replication") == [(wanted,)],
            within_s=READY_WITHIN_S, what=f"the standby to be {wanted}",
        )  # fmt: skip
        return other

    def unfollow(self, primary: Cluster) -> None:
        """The standby hears nothing more of `primary`: not even what is on its way."""
        self.run("ALTER SYSTEM SET primary_conninfo = ''")
        self.run("SELECT pg_reload_conf()")
        wait_until(
            lambda: not primary.rows("SELECT 1 FROM pg_stat_replication"),
            within_s=READY_WITHIN_S, what="the standby to follow nobody",
        )  # fmt: skip

    def promote(self) -> None:
        """The standby becomes a primary of its own; it waits for no other standby."""
        self.run("SELECT pg_promote(true, 30)")
        self.run("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.run("SELECT pg_reload_conf()")

    # -- processes ---------------------------------------------------------------------------------

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*_as_postgres(), str(programs() / program), *words],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}{self.log()}"

    def _processes(self) -> list[psutil.Process]:
        """All of them; the postmaster stands still from now on, so that it starts no others."""
        assert self._process is not None
        try:
            postmaster = psutil.Process(self._process.pid)
            postmaster.suspend()
            return [postmaster, *postmaster.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(STOP_WITHIN_S)


def _lives(process: psutil.Process) -> bool:
    """Whether it holds anything still; one that only nobody has reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv here (make peers says how to get it)")
    return ["setpriv", f"--reuid={SUPERUSER}", f"--regid={SUPERUSER}", "--clear-groups"]


def _folder(*, memory: bool = True) -> Path:
    """A folder of the server's own, with a path short enough for a socket."""
    shm = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="pg-", dir=shm if memory and shm.is_dir() else None))
    if os.geteuid() == 0:
        shutil.chown(made, SUPERUSER, SUPERUSER)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
