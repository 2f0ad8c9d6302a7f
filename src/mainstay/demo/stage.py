"""The folder that the demo plays in: settings, secret and ports; kept from one start to the next."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shlex
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay import estate
from mainstay.foundation.clock import SystemClock
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.sealing.keys import INSIDE, KEY_BYTES

PORT = 8460
PHONES_PORT = 8461
PORTS_TRIED = 50
ESTATE = Path("examples/alpenpay")
OURS = "This folder belongs to `mainstay demo`; `make run` keeps it, --fresh empties it.\n"
MARK = "demo.txt"


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder that is ready to be played in."""

    folder: Path
    shown: str
    """The folder as a person would type it."""
    estate: Path
    port: int
    phones_port: int
    secret: str
    reused: bool

    @property
    def config(self) -> Path:
        """The settings of the demo's server."""
        return self.folder / "mainstay.toml"

    @property
    def log(self) -> Path:
        """Where the server writes."""
        return self.folder / "server.log"

    @property
    def secret_file(self) -> Path:
        """Signs the pages to the phones."""
        return self.folder / "phones.secret"

    def keys(self) -> dict[str, str]:
        """Source → intake key, of an earlier start."""
        file = self.folder / "keys.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep_keys(self, keys: dict[str, str]) -> None:
        """For the next start."""
        _write(self.folder / "keys.json", json.dumps(keys))


def set_up(folder: Path, *, fresh: bool) -> Stage:
    """Make or reuse the folder. Conflict when a server uses it; Invalid for a broken estate."""
    examples = _estate()
    _refuse_if_served(folder)
    reused = _prepare(folder, fresh=fresh)
    port = free_port(PORT)
    phones_port = free_port(PHONES_PORT, but=port)
    secret_file = folder / "phones.secret"
    if not secret_file.exists():
        _write(secret_file, secrets.token_urlsafe(32) + "\n")
    key_file = folder / INSIDE  # the demo's folder may be copied; its secrets are nobody's
    if not key_file.exists():
        _write(key_file, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
    shown = os.path.relpath(folder)
    stage = Stage(
        folder=folder,
        shown=shown if len(shown) < len(str(folder)) else str(folder),
        estate=examples,
        port=port,
        phones_port=phones_port,
        secret=secret_file.read_text(encoding="utf-8").strip(),
        reused=reused,
    )
    _write(stage.config, _settings(stage))
    _write(folder / "mainstay", _script(stage), mode=0o700)
    return stage


def free_port(wanted: int, *, but: int = 0) -> int:
    """`wanted`, or the next port on which nobody listens. Conflict after 50 tries."""
    for port in range(wanted, wanted + PORTS_TRIED):
        if port != but and _is_free(port):
            return port
    last = wanted + PORTS_TRIED - 1
    raise Conflict(f"Every port from {wanted} to {last} is taken; stop what you do not need.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _estate() -> Path:
    """The example estate, whole. It lies beside the sources, or where the demo was started."""
    beside = Path(__file__).resolve().parents[3] / ESTATE
    folder = beside if beside.is_dir() else Path.cwd() / ESTATE
    if not folder.is_dir():
        raise NotFound(f"The demo needs {ESTATE}; start it in the project's folder.")
    found = estate.check(folder, today=SystemClock().now().date())
    if found.estate is None:
        listed = "\n  ".join(str(one) for one in found.problems)
        raise Invalid(f"The example estate cannot be used; mend it first:\n  {listed}")
    return folder


def _refuse_if_served(folder: Path) -> None:
    """Conflict when a server holds the folder: a second demo, or one left behind."""
    try:
        with (folder / "mainstay.pid").open("r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = (folder / "mainstay.pid").read_text(encoding="ascii").strip()
        raise Conflict(
            f"A Mainstay (pid {pid}) already runs on {folder}: the demo in another terminal, or "
            f"one that was left behind. End it (kill {pid}), or choose another folder (--data)."
        ) from None
    except FileNotFoundError:
        return


def _prepare(folder: Path, *, fresh: bool) -> bool:
    """Make the folder, 0700; whether an earlier demo is in it. Never wipes a folder not its own."""
    there = folder.is_dir() and any(folder.iterdir())
    if there and not (folder / MARK).is_file():
        raise Conflict(f"{folder} is not empty and not a demo's; choose another folder (--data).")
    if there and fresh:
        shutil.rmtree(folder)
        there = False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    _write(folder / MARK, OURS)
    return there


def _settings(stage: Stage) -> str:
    """The server's settings. Private addresses are closed but for the phones' own."""
    lines: dict[str, Any] = {
        "data_dir": str(stage.folder),
        "estate": str(stage.estate),
        "listen": f"127.0.0.1:{stage.port}",
        "public_url": f"http://127.0.0.1:{stage.port}",
        "allow_root": os.geteuid() == 0,
    }
    words = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in lines.items()]
    allowed = f'egress = {{allow = ["127.0.0.1:{stage.phones_port}"]}}  # the phones of the demo'
    return "\n".join(["# Written by `mainstay demo` at each start.", *words, allowed, ""])


def _script(stage: Stage) -> str:
    """`run/mainstay`: the command line, pointed at the demo and at nothing else."""
    words = (sys.executable, "-m", "mainstay", "--config", str(stage.config))
    command = " ".join(shlex.quote(word) for word in words)
    return (
        "#!/bin/sh\n"
        "# The command `mainstay`, talking to the demo's server. Written by `mainstay demo`.\n"
        "unset MAINSTAY_URL MAINSTAY_TOKEN MAINSTAY_DATA_DIR\n"
        f'exec {command} "$@"\n'
    )


def _write(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write `text`, for the owner alone."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
