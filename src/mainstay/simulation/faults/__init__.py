"""The floor's twenty: what a support floor really meets. A fault more is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mainstay.simulation.faults import access, databases, files, hosts, work
from mainstay.simulation.scene import Scene, Told

Fault = Callable[[Scene, Told], None]

FAULTS: Mapping[str, Fault] = {
    "file-late": files.file_late,
    "file-empty": files.file_empty,
    "file-sent-twice": files.file_sent_twice,
    "full-file-system": hosts.full_file_system,
    "expired-certificate": access.expired_certificate,
    "expired-password": access.expired_password,
    "blocked-session": databases.blocked_session,
    "stuck-queue": databases.stuck_queue,
    "pool-exhausted": databases.pool_exhausted,
    "heap-exhausted": hosts.heap_exhausted,
    "config-differs": work.config_differs,
    "firewall-or-dns": access.firewall_or_dns,
    "clock-drift": hosts.clock_drift,
    "missing-reference-data": files.missing_reference,
    "job-rerun-twice": work.job_rerun_twice,
    "vendor-down": access.vendor_down,
    "calendar-mistake": work.calendar_mistake,
    "bad-release": work.bad_release,
    "plan-change": databases.plan_change,
    "noisy-neighbour": hosts.noisy_neighbour,
}
