"""`mainstay serve`: one process that listens, pages and keeps; from its lock to its last commit.

A second server on the same data folder is refused. SIGTERM and Ctrl-C finish what is under way;
SIGHUP reads the estate folder again, and a bad one never replaces a good one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvloop

from mainstay import __version__, app, estate, people, pipeline, signin
from mainstay.acts import commands
from mainstay.api import Server, make_server
from mainstay.cli import TOKEN_FILE
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.db.place import PID_FILE
from mainstay.foundation.errors import Conflict, Forbidden, MainstayError, Outdated
from mainstay.foundation.limits import Limits
from mainstay.foundation.observe.logs import start_logs
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings, references
from mainstay.keeper import kept
from mainstay.loops import Threads
from mainstay.people import OPERATOR
from mainstay.presence import sign_off
from mainstay.runtime import Runtime
from mainstay.storekeeper import telemetry_kept

log = logging.getLogger("mainstay.serve")

ABOUT = "the command line of whoever may read cli.json"
"""With the node's host and folder: every node has a token of its own."""
ABOUT_MAX = 200
REQUESTS_S = 5
"""How long requests under way may take to finish after the order to stop."""
LOOPS_S = 4.5
"""How long loops and the last commits may take after that; then the process ends all the same,
which loses nothing: what was acknowledged is on the disk, what was leased comes again."""
Say = Callable[[str], None]


def serve(settings: Settings, *, environment: Mapping[str, str], say: Say) -> None:
    """Serve until told to stop. Raises what keeps it from starting; `say` prints for a person."""
    os.umask(0o077)
    if os.geteuid() == 0 and not settings.allow_root:
        raise Forbidden(
            "Mainstay would run as root, and needs nothing of root's. Start it as a user of its "
            "own; in a container or to try it, say --allow-root."
        )
    with _alone(settings.data_dir):
        secrets = [resolve(one, environment=environment) for one in references(settings).values()]
        _log(settings, secrets)  # opening may have something to tell
        runtime = app.open_app(settings, environment=environment)
        try:
            _serve(runtime, environment, secrets, say)
        finally:
            runtime.close()


def _serve(runtime: Runtime, environment: Mapping[str, str], secrets: list[str], say: Say) -> None:
    settings = runtime.settings
    host, port = settings.address
    token = _operator_token(runtime, _known_token(settings.data_dir))
    _log(settings, [*secrets, token])
    if settings.estate is not None:
        _apply_at_start(runtime, settings.estate)
    limits = Limits(**settings.limits.model_dump())
    own = app.over_http(runtime, environment=environment)
    server = make_server(
        own.app, host=host, port=port, limits=limits, at_end=own.end,
        ticked=runtime.measures.event_loop_lag.observe,
    )  # fmt: skip
    _speak_tls(server, settings)
    url = _url(settings, server.port)
    _write_private(settings.data_dir / TOKEN_FILE, json.dumps({"url": url, "token": token}))
    runtime.db.start()
    ends: list[Outdated] = []
    loops = Threads(runtime, outdated=lambda error: _end(server, ends, error))
    loops.start()
    _greet(runtime, url, say)
    try:
        # uvicorn raises the signal again that stopped it; by then it has done its work. A second
        # Ctrl-C must not cut the last commits off: `_end_by_force` is the way out.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        watchdog = kept(runtime, port=server.port)
        keeping = telemetry_kept(runtime)
        with watchdog, keeping, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_listen(runtime, server))
    finally:
        log.info("stopping: no new requests; finishing what is under way")
        _end_by_force(after_s=LOOPS_S)
        loops.stop()
        _sign_off(runtime)
        log.info("stopped")
    if ends:
        raise ends[0]


def _end(server: Server, ends: list[Outdated], error: Outdated) -> None:
    """A newer program works on this database: say so once, take no more, and end."""
    if not ends:
        log.critical("%s", error.sentence)
    ends.append(error)
    server.should_exit = True


def _sign_off(runtime: Runtime) -> None:
    """Without a database nobody can be told: the leases end by themselves."""
    try:
        sign_off(runtime, runtime.clock.now())
    except MainstayError as error:
        log.warning("the other nodes could not be told of the end: %s", error.sentence)


def _log(settings: Settings, secrets: list[str]) -> None:
    json_lines = settings.log_format == "json"
    start_logs(level=settings.log_level, json_lines=json_lines, secrets=secrets)


# -- one server for each data folder ---------------------------------------------------------------


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; Conflict when another process does. The system frees it at our end."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / PID_FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            other = file.read(20).strip() or "unknown"
            raise Conflict(
                f"Another Mainstay (pid {other}) already serves {data_dir}. Stop it, or choose "
                "another folder with --data."
            ) from None
        file.truncate(0)
        with contextlib.suppress(OSError):  # a full disk: it is the lock that counts
            os.write(file.fileno(), f"{os.getpid()}\n".encode("ascii"))
        try:
            yield
        finally:
            file.truncate(0)


# -- the token of the command line -----------------------------------------------------------------


def _known_token(data_dir: Path) -> str | None:
    """The token of an earlier start, if only its owner could read it."""
    path = data_dir / TOKEN_FILE
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return str(found.get("token")) if isinstance(found, dict) else None


def _operator_token(runtime: Runtime, known: str | None) -> str:
    """`known` if it still opens; else a new one, and every earlier one of this node is revoked."""
    now = runtime.clock.now()
    about = f"{ABOUT}, on {runtime.node.host}:{runtime.node.folder}"[:ABOUT_MAX]

    def work(tx: Tx) -> str:
        actor = people.verify_token(tx, known, now=now) if known else None
        if (
            known
            and actor is not None
            and (actor.id, actor.grants) == (OPERATOR.id, OPERATOR.grants)
        ):
            return known
        for old in people.tokens_of(tx, OPERATOR.id):
            if old.about in (ABOUT, about) and old.revoked_at is None:
                people.revoke_token(tx, old.id, now=now)
        made = people.create_token(
            tx, runtime.ground.ids, person=OPERATOR.id, role="admin",
            about=about, people={OPERATOR.id}, now=now,
        )  # fmt: skip
        words = f"serve made a token for {OPERATOR.id}: {about}"
        version = runtime.ground.views.current_or_empty(tx).version
        fact = record.Fact("token.created", made.token.id, words)
        record.write(tx, [fact], now=now, estate_version=version)
        return made.secret

    return runtime.db.run(work)


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


# -- the estate folder -----------------------------------------------------------------------------


def _apply_at_start(runtime: Runtime, folder: Path) -> None:
    """Put the folder in force. A bad one is told; it ends the start only if there is no other."""
    try:
        log.info(_apply(runtime, folder))
    except estate.BadEstate as error:
        in_force = runtime.db.read(estate.current_number)
        if not in_force:
            raise
        _tell_bad(error, in_force)


def _apply(runtime: Runtime, folder: Path) -> str:
    """What was put in force, in a sentence. BadEstate with every problem."""
    now = runtime.clock.now()
    found = estate.check(folder, today=now.date())
    if found.estate is None:
        raise estate.BadEstate(found.problems)
    for one in found.problems:
        log.warning("%s", one)
    command = commands.Apply(found.estate)
    done = runtime.db.run(
        lambda tx: pipeline.act(tx, runtime.ground, command, actor=OPERATOR, now=now)
    )
    runtime.wake.deliver()
    return done.sentence


def _tell_bad(error: estate.BadEstate, in_force: int) -> None:
    for one in error.problems:
        log.log(logging.ERROR if one.level == "error" else logging.WARNING, "%s", one)
    log.error("the estate folder has errors; version %d stays in force", in_force)


def _reload(runtime: Runtime, turn: threading.Lock) -> None:
    """On SIGHUP, in a thread of its own; one after the other, so that what is read last stays."""
    with turn:
        _apply_again(runtime)


def _apply_again(runtime: Runtime) -> None:
    folder = runtime.settings.estate
    if folder is None:
        log.warning("SIGHUP reads the estate folder again, and the settings name none")
        return
    try:
        log.info(_apply(runtime, folder))
    except estate.BadEstate as error:
        _tell_bad(error, runtime.db.read(estate.current_number))
    except MainstayError as error:
        log.error("the estate folder could not be applied: %s", error.sentence)


# -- listening -------------------------------------------------------------------------------------


async def _listen(runtime: Runtime, server: Server) -> None:
    loop = asyncio.get_running_loop()
    turn = threading.Lock()
    loop.add_signal_handler(
        signal.SIGHUP, lambda: loop.run_in_executor(None, _reload, runtime, turn) and None
    )
    server.config.timeout_graceful_shutdown = REQUESTS_S
    await server.serve()


def _end_by_force(*, after_s: float) -> None:
    def end() -> None:
        log.error("a loop does not come to an end; leaving it")
        logging.shutdown()
        os._exit(1)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()


def _speak_tls(server: Server, settings: Settings) -> None:
    if settings.tls_cert is not None and settings.tls_key is not None:
        server.config.ssl_certfile = str(settings.tls_cert)
        server.config.ssl_keyfile = str(settings.tls_key)


def _url(settings: Settings, port: int) -> str:
    """Where this machine's command line reaches us: a certificate names the public address."""
    if settings.tls_cert is not None:
        return settings.public_url
    host = settings.address.host
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _greet(runtime: Runtime, url: str, say: Say) -> None:
    settings = runtime.settings
    version = runtime.db.read(estate.current_number)
    say(f"Mainstay {__version__} listens on {url} (pid {os.getpid()}, data in {settings.data_dir})")
    if version:
        say(f"Version {version} of the estate is in force. In another terminal: mainstay shift")
    else:
        say("No estate yet. In another terminal: mainstay init && mainstay apply")
    if runtime.db.read(signin.has_admin):
        say(f"The console is at {settings.public_url}")
    elif not sys.stdout.isatty():  # it would stay in a log that others may read
        say("Nobody has an account yet; for the first administrator: mainstay setup-link")
    else:
        link = runtime.db.run(partial(_setup_link, runtime))
        say(f"Nobody has an account yet. The first administrator opens, within 30 minutes: {link}")


def _setup_link(runtime: Runtime, tx: Tx) -> str | None:
    """A one-time link to the first account. Said on the terminal, and nowhere else."""
    command, now = commands.MakeSetupLink(), runtime.clock.now()
    return pipeline.act(tx, runtime.ground, command, actor=OPERATOR, now=now).secret
