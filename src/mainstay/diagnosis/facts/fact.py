"""One observation, as raw as it was seen. What it means is for the rules, never for who saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FactKind(StrEnum):
    """What kind of thing was looked at, and the values that it has, where they are known.

    Times in values are RFC 3339 text; shares are 0..1; seconds and bytes are numbers.
    """

    FILE = "file"
    """`size_bytes`, `rows`, `checksum`, `due_at`, `arrived_at` (absent: it never came),
    `business_date`."""
    FILESYSTEM = "filesystem"
    """`used_share`, `inodes_used_share`, `size_bytes`, `read_only`."""
    CERTIFICATE = "certificate"
    """`not_before`, `not_after`, `subject`, `issuer`."""
    ACCOUNT = "account"
    """`state` (ok, locked, expired), `expires_at`."""
    SESSION = "session"
    """Of a database: `state`, `seconds`, `waits_for` (the name of the session that blocks it),
    `statement`, `user`, `client`."""
    STATEMENT = "statement"
    """A kind of SQL: `mean_s`, `calls`, `rows_read`, `plan` (a hash or its words)."""
    QUEUE = "queue"
    """`depth`, `consumers`, `oldest_s`, `head` (the id of its first message)."""
    POOL = "pool"
    """Connections, threads or handles: `in_use`, `size`, `waiting`."""
    SETTING = "setting"
    """`value`; `where` is the node or the server that has it."""
    CLOCK = "clock"
    """`offset_s`: how far a machine's clock is from the true time, ahead positive."""
    JOB = "job"
    """A run: `state` (ok, failed, running, late), `run`, `rerun_of`, `started_at`, `ended_at`,
    `due_at`, `rows`, `business_date`."""
    KERNEL = "kernel"
    """`message`: one line of the kernel's ring buffer."""
    PROCESS = "process"
    """`cpu_share`, `memory_bytes`, `belongs_to` (a service; absent: nobody's)."""
    LOOKUP = "lookup"
    """A name resolved: `answer` (addresses, comma between), `error`."""
    CONNECTION = "connection"
    """From `where` to `name`: `outcome` (ok, refused, timed out, reset, bad certificate)."""
    REFERENCE = "reference"
    """Reference data: `table`, `key`, `rows`, `business_date`."""
    VENDOR = "vendor"
    """What a third party says of itself: `state` (ok, degraded, down, maintenance), `message`."""
    CALENDAR = "calendar"
    """A day as one system sees it: `day`, `business_day` (true, false), `utc_offset_s`."""
    CHANGE = "change"
    """Something was changed: `what`, `by`, `version`, `planned` (true in an agreed window),
    `until`."""
    CONDITION = "condition"
    """Whether a service is well: `state` (ok, warn, fail), `since`, `sentence`, `by` (check, alert),
    `type` of the service, and `vendor`, `contact` of one that somebody else runs."""
    HOST = "host"
    """`booted_at`, `load_share`, `cpu_share`, `memory_used_share`, `network_errors`, `handles_share`."""


Value = str | float | bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing, seen once.

    `where` is the service or machine that it belongs to, `name` the thing itself (a path, a mount,
    a key, a session); `at` is when it was seen, or happened, if that is known; `source` says where
    it can be seen again.
    """

    where: str
    kind: FactKind
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    at: datetime | None = None
    source: str = ""
