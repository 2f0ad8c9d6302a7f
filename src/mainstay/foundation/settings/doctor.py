"""The defaults that a first start must have, as checks that can be read (PROMISES P35).

`machine` reads the facts, in one place; `checks` judges them and touches nothing. What `Settings`
refuses outright (a bare address for other machines, a proxy range of everything) is never reached.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid
from mainstay.foundation.reserve import held_bytes
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings.load import references
from mainstay.foundation.settings.values import HostPort, Settings
from mainstay.foundation.spans import duration

FREE_BYTES_MIN = 256 * 1024 * 1024
"""About a day of 10,000 signals an hour at 1 KiB each."""
SQLITE_MIN = (3, 35, 0)
"""The first with `RETURNING`."""
DOCUMENTED = frozenset(
    [
        "admin",
        "change-me",
        "changeme",
        "default",
        "example",
        "hunter2",
        "mainstay",
        "password",
        "s3cret",
        "secret",
        "test",
    ]
)
"""What stands in guides, ours and others', where a secret should."""
METADATA = ("169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "100.100.100.200")
"""Where clouds hand out credentials to whoever asks from inside."""
RELEASED_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""No honest clock is before this program was written."""
CLOCK_END = datetime(2100, 1, 1, tzinfo=UTC)
BACKUPS_MISSED = 3
"""So many periods may pass without a backup."""
WAITING_MAX = 2
"""Checkpoints that may wait for a place outside: one is being handed over, one was just signed."""
CLOCK_BACK_MAX = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Check:
    """One default: whether it holds, and a sentence that says what is, and how to mend it."""

    name: str
    ok: bool
    sentence: str
    grave: bool = True
    """Whether `doctor` ends with a failure because of it; else it is a warning."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks need to know of this machine. A mode is None where there is no such file."""

    uid: int
    umask: int
    data_dir_mode: int | None
    database_mode: int | None
    tls_key_mode: int | None
    free_bytes: int
    sqlite: tuple[int, int, int]
    reserve_bytes: int | None = None
    """What is kept for when the disk is full; 0: it is given back; None: none was made."""
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    """Setting → what is wrong with its secret; None: it can be read."""


@dataclass(frozen=True, slots=True)
class Durable:
    """What a database does to keep a commit, by its own names, and which of it is too weak."""

    in_force: Mapping[str, str]
    weak: Sequence[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database knows of its own keeping."""

    backup_at: datetime | None
    """The newest backup that was made by itself and found whole."""
    checkpoints: int
    """Signed so far."""
    waiting: Mapping[str, int]
    """Sink → checkpoints that it has not had."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may sign in to the console: how many, and how many of them administer it."""

    n: int
    admins: int


def machine(settings: Settings, *, environment: Mapping[str, str], database: Path) -> Machine:
    """The facts of this machine, now. Reads file modes and tries each secret; changes nothing."""
    major, minor, patch = sqlite3.sqlite_version_info
    return Machine(
        uid=os.geteuid(),
        umask=_umask(),
        data_dir_mode=_mode(settings.data_dir),
        database_mode=_mode(database),
        tls_key_mode=_mode(settings.tls_key) if settings.tls_key else None,
        free_bytes=shutil.disk_usage(_nearest_existing(settings.data_dir)).free,
        sqlite=(major, minor, patch),
        reserve_bytes=held_bytes(settings.data_dir),
        secrets={
            name: _trouble(reference, environment)
            for name, reference in references(settings).items()
        },
    )


def checks(
    settings: Settings,
    facts: Machine,
    *,
    now: datetime,
    alive_at: datetime | None = None,
    durable: Durable | None = None,
    keys: Mapping[str, int] | None = None,
    kept: Kept | None = None,
    server: Sequence[Check] | None = None,
    sealed: Check | None = None,
    wrong: Sequence[str] = (),
    accounts: Accounts | None = None,
    telemetry: Check | None = None,
) -> list[Check]:
    """Every check, in the order in which a person would mend them.

    `alive_at`: when this install last wrote that it was up. `durable`: what the database does to
    keep a commit. `keys`: source → number of valid intake keys. `kept`: what the database knows of
    its own backups and checkpoints. `accounts`: who may sign in. `sealed`: what was found of the
    secrets in the database. `server`: what was found of the database server, in place of SQLite's
    file and version. None means "not known here", and that check is left out. `wrong`: what the
    watchdog has found and still stands. `telemetry`: what was found of its keeping.
    """
    found = [
        _listen(settings),
        _public_url(settings),
        _sessions(settings),
        _root(settings, facts),
        _data_dir(settings, facts),
        *([_database(facts)] if server is None else server),
        _umask_check(facts),
        _tls_key(settings, facts),
        _secrets(facts),
        _egress(settings),
        _logs(settings),
        _disk(settings, facts),
        *([_reserve(settings, facts), _sqlite(facts)] if server is None else []),
        _clock(now, alive_at),
        _watchdog(settings, wrong),
    ]
    if telemetry is not None:
        found.append(telemetry)
    if durable is not None:
        found.append(_durable(durable))
    if sealed is not None:
        found.append(sealed)
    if keys is not None:
        found.append(_keys(keys))
    if kept is not None:
        found += [_backup(settings, kept, now), _outside(settings, kept)]
    if accounts is not None:
        found.append(_accounts(accounts))
    return found


# -- reading the machine -------------------------------------------------------------------------


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _umask() -> int:
    """This process's umask. It can only be read by setting it, so nothing else may run yet."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _nearest_existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _trouble(reference: str, environment: Mapping[str, str]) -> str | None:
    try:
        secret = resolve(reference, environment=environment)
    except Invalid as error:
        return error.sentence
    if secret.strip().casefold() in DOCUMENTED:
        return "It is an example's, which everybody knows; make one that nobody does."
    return None


# -- judging -------------------------------------------------------------------------------------


def _listen(settings: Settings) -> Check:
    if settings.address.loopback:
        words = f"Only this machine reaches {settings.listen}."
    elif settings.tls_cert:
        words = f"Other machines reach {settings.listen}, by TLS."
    else:
        words = f"Other machines reach {settings.listen}; TLS ends at {settings.behind_proxy[0]}."
    return Check("listen", True, words)  # Settings refuses anything else


def _public_url(settings: Settings) -> Check:
    blind = "//0.0.0.0" in settings.public_url or "//[::]" in settings.public_url
    if blind:
        words = f"No phone can open links to {settings.public_url}; set public_url."
        return Check("public url", False, words)
    return Check("public url", True, f"Acknowledge links begin with {settings.public_url}.")


def _sessions(settings: Settings) -> Check:
    parts = urlsplit(settings.public_url)
    if parts.scheme == "https":
        return Check("sessions", True, "Sessions of the console travel by TLS alone (HSTS).")
    if HostPort(parts.hostname or "", 0).loopback:
        return Check("sessions", True, "Sessions of the console do not leave this machine.")
    words = "so browsers keep no session and nobody signs in; set public_url to https://…"
    return Check("sessions", False, f"People reach {settings.public_url} without TLS, {words}")


def _root(settings: Settings, facts: Machine) -> Check:
    if facts.uid != 0:
        return Check("not root", True, "Mainstay does not run as root.")
    if settings.allow_root:
        return Check("not root", True, "Mainstay runs as root because allow_root says so.")
    words = "Mainstay would run as root; start it as a user of its own, or set allow_root."
    return Check("not root", False, words)


def _data_dir(settings: Settings, facts: Machine) -> Check:
    return _private("data dir", settings.data_dir, facts.data_dir_mode, mode=0o700)


def _database(facts: Machine) -> Check:
    return _private("database", "the database", facts.database_mode, mode=0o600)


def _tls_key(settings: Settings, facts: Machine) -> Check:
    if settings.tls_key is None:
        return Check("tls key", True, "No TLS key is used.")
    if facts.tls_key_mode is None:
        return Check("tls key", False, f"There is no file {settings.tls_key}; mend tls_key.")
    return _private("tls key", settings.tls_key, facts.tls_key_mode, mode=0o600)


def _private(name: str, path: Path | str, found: int | None, *, mode: int) -> Check:
    if found is None:
        return Check(
            name, True, f"{path} does not exist yet; it will be made with mode {mode:04o}."
        )
    if found & 0o077:
        words = f"Others may use {path} (mode {found:04o}); close it with chmod {mode:o}."
        return Check(name, False, words)
    return Check(name, True, f"Only its owner may use {path} (mode {found:04o}).")


def _umask_check(facts: Machine) -> Check:
    ok = facts.umask & 0o077 == 0o077
    words = "are their owner's alone" if ok else "can be read by others; start with umask 077"
    return Check("umask", ok, f"New files {words} (umask {facts.umask:03o}).")


def _secrets(facts: Machine) -> Check:
    wrong = [f"{name}: {words}" for name, words in facts.secrets.items() if words]
    if wrong:
        return Check("secrets", False, " ".join(wrong))
    if not facts.secrets:
        return Check("secrets", True, "No setting needs a secret.")
    return Check("secrets", True, f"Every secret can be read: {', '.join(facts.secrets)}.")


def _egress(settings: Settings) -> Check:
    allowed = ", ".join(settings.egress.allow)
    lent = [one for one in settings.egress.allow if one.lower().rpartition(":")[0] in METADATA]
    if lent:
        words = "hands out this machine's credentials to whoever asks; take it out of egress.allow."
        return Check("egress", False, f"{lent[0]} {words}")
    words = f"may be called: {allowed}" if allowed else "address may be called"
    return Check("egress", True, f"{'Of private addresses' if allowed else 'No private'} {words}.")


def _logs(settings: Settings) -> Check:
    if settings.log_level == "debug":
        words = "Debug logs are on and tell more than others should read; set log_level to info."
        return Check("logs", False, words)
    return Check("logs", True, f"Logs are {settings.log_format} from {settings.log_level} up.")


def _disk(settings: Settings, facts: Machine) -> Check:
    free, least = facts.free_bytes // 2**20, FREE_BYTES_MIN // 2**20
    if facts.free_bytes < FREE_BYTES_MIN:
        words = f"Only {free} MiB are free at {settings.data_dir}; make it {least} or more."
        return Check("disk", False, words)
    return Check("disk", True, f"{free} MiB are free at {settings.data_dir}.")


def _reserve(settings: Settings, facts: Machine) -> Check:
    wanted, held = settings.reserve_mib, facts.reserve_bytes
    if not wanted:
        words = "Nothing is kept for when the disk is full; set reserve_mib."
        return Check("reserve", False, words, grave=False)
    if held == 0:
        words = (
            f"The disk was full: signals are refused, and pages go on in the {wanted} MiB that were "
            f"kept. Make room at {settings.data_dir}."
        )
        return Check("reserve", False, words)
    if held is None and facts.database_mode is not None:
        words = f"{wanted} MiB are to be kept for when the disk is full; there is no room for them."
        return Check("reserve", False, words, grave=False)
    when = "will be" if held is None else "are"
    words = f"{wanted} MiB {when} kept for the record and pages, for when the disk is full."
    return Check("reserve", True, words)


def _sqlite(facts: Machine) -> Check:
    have, least = (".".join(map(str, version)) for version in (facts.sqlite, SQLITE_MIN))
    if facts.sqlite < SQLITE_MIN:
        words = f"SQLite {have} is too old; use a Python built with {least} or newer."
        return Check("sqlite", False, words)
    return Check("sqlite", True, f"SQLite is {have}.")


def _clock(now: datetime, alive_at: datetime | None) -> Check:
    if not RELEASED_AT <= now < CLOCK_END:
        words = f"The clock says {to_text(now)}, which cannot be; set it, and run a time service."
        return Check("clock", False, words)
    if alive_at and alive_at - now > CLOCK_BACK_MAX:
        words = (
            f"The clock says {to_text(now)}, but Mainstay was already up at {to_text(alive_at)}; "
            "it went backwards. Set it, and run a time service."
        )
        return Check("clock", False, words)
    return Check("clock", True, f"The clock says {to_text(now)}.")


def _watchdog(settings: Settings, wrong: Sequence[str]) -> Check:
    own = settings.watchdog
    if not own.enabled:
        words = (
            "The watchdog is off: a page that is missed is missed in silence. Set watchdog.enabled."
        )
        return Check("watchdog", False, words)
    if wrong:
        return Check("watchdog", False, " ".join(wrong))
    ways = [name for name, way in (("mail", own.mail), ("webhook", own.webhook)) if way is not None]
    heard = f"is heard by {' and '.join(ways)}" if ways else (
        "is heard by nobody but the log; set watchdog.mail or watchdog.webhook"
    )  # fmt: skip
    beat = (
        ""
        if own.heartbeat_url
        else "; nobody outside would notice its end (watchdog.heartbeat_url)"
    )
    return Check("watchdog", True, f"The watchdog {heard}{beat}.")


def _durable(durable: Durable) -> Check:
    words = ", ".join(f"{name} is {value}" for name, value in durable.in_force.items())
    if not durable.weak:
        words = f"Each commit is on the disk before it is acknowledged ({words})."
        return Check("durable", True, words)
    weak = " and ".join(f"{name} is {durable.in_force[name]}" for name in durable.weak)
    words = (
        f"The database may lose what it acknowledged when the power fails: {weak} ({words}). Of "
        "PostgreSQL, set it to on, for the server, the database and the role; SQLite's are set by "
        "mainstay serve."
    )
    return Check("durable", False, words)


def _keys(keys: Mapping[str, int]) -> Check:
    bare = sorted(source for source, number in keys.items() if number == 0)
    if bare:
        words = f"No key yet for {', '.join(bare)}; make one with: mainstay key create {bare[0]}"
        return Check("intake keys", False, words)
    return Check("intake keys", True, f"Each of {len(keys)} sources has its own key.")


def _backup(settings: Settings, kept: Kept, now: datetime) -> Check:
    wanted = settings.backup
    if wanted.to is None:
        words = "No backups are made; set backup.to to a folder, best on another disk."
        return Check("backup", False, words, grave=False)
    if kept.backup_at is None:
        words = f"No backup has been made yet; mainstay serve makes one every {wanted.every}."
        return Check("backup", False, words, grave=False)
    age = now - kept.backup_at
    words = f"Last backup {_ago(age)} ago, read back and found whole"
    if age > BACKUPS_MISSED * duration(wanted.every) + timedelta(minutes=1):
        words += f"; one is wanted every {wanted.every}. The log of serve says what keeps it"
        return Check("backup", False, f"{words}.")
    how = "encrypted" if wanted.passphrase else "not encrypted"
    return Check("backup", True, f"{words}; {how}, in {wanted.to}.")


def _outside(settings: Settings, kept: Kept) -> Check:
    names = settings.audit.checkpoints_to
    if not names:
        words = (
            "Nobody outside keeps checkpoints of the record, so a cut end would not show; set "
            "audit.checkpoints_to to a file on another machine's disk, or to a syslog server."
        )
        return Check("record outside", False, words, grave=False)
    behind = {name: n for name, n in kept.waiting.items() if n > WAITING_MAX}
    if behind:
        words = ", ".join(f"{name} has not had {n} of them" for name, n in behind.items())
        words = f"Checkpoints do not go out: {words}. The log of serve says why."
        return Check("record outside", False, words)
    words = f"Checkpoints of the record ({kept.checkpoints} so far) are kept in {', '.join(names)}."
    return Check("record outside", True, words)


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _accounts(accounts: Accounts) -> Check:
    if accounts.n == 0:
        words = "Nobody has an account; the first administrator comes in by: mainstay setup-link"
        return Check("accounts", True, words)
    if accounts.admins == 0:
        words = "Nobody administers this install; mend it with: mainstay setup-link"
        return Check("accounts", False, words)
    few = "1 of them administers" if accounts.admins == 1 else f"{accounts.admins} administer"
    return Check("accounts", True, f"Accounts: {accounts.n}; {few} this install.")
