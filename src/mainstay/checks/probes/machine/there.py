"""Where a check of a machine looks: at this one, or by ssh at another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mainstay.checks.probes.machine import sftp
from mainstay.checks.probes.run.orders import Orders
from mainstay.checks.probes.run.programs import ssh_argv
from mainstay.checks.result import Ask
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Forbidden, Invalid, Rejected, Unreachable


@dataclass(frozen=True, slots=True)
class Place:
    """Another machine: what is said to its shell, it answers."""

    ask: Ask
    argv: list[str]
    orders: Orders

    async def say(self, script: str) -> str:
        """What the script writes. Unreachable, or Rejected when it fails."""
        ran = await self.orders.run(
            self.argv, env={}, stdin=script.encode(), timeout_s=self.ask.timeout_s
        )
        errors = ran.errors.decode("utf-8", "replace").strip()[-200:]
        if ran.exit == 255:
            raise Unreachable(f"No ssh to {self.ask.host_id}: {errors or 'no reason given'}.")
        if ran.exit:
            raise Rejected(
                f"{self.ask.host_id} answers: {errors or f'exit {ran.exit}'}.", reply=ran.exit
            )
        return ran.output.decode("utf-8", "replace")


class There:
    """Finds the place; keeps away from what is Mainstay's own."""

    def __init__(self, orders: Orders, egress: Egress, off_limits: Path | None) -> None:
        """`off_limits`: the data folder, whose files no check may read."""
        self._orders = orders
        self._egress = egress
        self._off_limits = off_limits

    async def of(self, ask: Ask) -> Place | None:
        """None: this machine."""
        if ask.host is None or ask.host.via == "local":
            return None
        if ask.host.via == "winrm":
            raise Invalid(
                f"{ask.host_id} is reached by WinRM: figures and processes, nothing else."
            )
        if ask.host.via == "sftp":
            raise Invalid(
                f"{ask.host_id} is reached by SFTP: its files can be looked at, nothing else."
            )
        return Place(ask, await ssh_argv(ask, self._egress), self._orders)

    async def by_sftp(self, ask: Ask, path: str) -> sftp.Found | None:
        """The files there that `path` fits; None where the host is not reached by SFTP."""
        if ask.host is None or ask.host.via != "sftp":
            return None
        return await sftp.listed(ask, path, egress=self._egress, orders=self._orders)

    def check_readable(self, path: str) -> Path:
        """The path, unless what it leads to is Mainstay's own: then Forbidden."""
        found = Path(path).resolve()
        if self._off_limits is not None and found.is_relative_to(self._off_limits.resolve()):
            raise Forbidden("No check may read the files of Mainstay's own data folder.")
        return found
