"""Nagios and Monitoring plug-ins, scripts of one's own, and commands on other hosts by ssh."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from time import perf_counter
from types import MappingProxyType

from mainstay.checks.probes.run.orders import Orders, Ran
from mainstay.checks.result import Ask, Measured, Value, Verdict
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Unreachable
from mainstay.foundation.secrets import is_reference, redactor

VERDICTS: Mapping[int, Verdict] = MappingProxyType({0: "ok", 1: "warn", 2: "fail", 3: "fail"})
_PERF = re.compile(
    r"\s*(?:'((?:[^']|'')+)'|([^=\s']+))=([-+]?[\d.]+(?:[eE][-+]?\d+)?)([a-zA-Z%µ]*)(?:;\S*)?"
)
_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3,
          "TB": 1024**4, "B": 1, "c": 1, "": 1, "%": 0.01}  # fmt: skip
"""Of the plug-ins' performance data, into ours: seconds, bytes, shares."""
FIGURES_MAX = 200
_VALUE = re.compile(r"([A-Za-z_]\w{0,62})\s*[=:]\s*(.{0,200})")
SSH_PORT = 22
_SSH = tuple(
    word
    for option in (
        "BatchMode=yes", "StrictHostKeyChecking=yes", "PermitLocalCommand=no", "ForwardAgent=no",
        "ForwardX11=no", "ClearAllForwardings=yes", "ControlPath=none", "ProxyCommand=none",
        "ProxyJump=none", "RequestTTY=no",
    )
    for word in ("-o", option)
)  # fmt: skip
"""Nothing that a host's keys or a user's configuration may turn into another program."""


class PluginProbe:
    """Exit 0 is well, 1 a warning, 2 and all else a failure; the first line is its sentence."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def measure(self, ask: Ask) -> Measured:
        """`exit`, `output`, `perf` by label (in seconds, bytes and shares), `duration`."""
        wanted = ask.check.plugin
        assert wanted is not None
        ran, took_s = await _run(
            self._orders, _argv(wanted.command, ask), ask, env=wanted.env, stdin=wanted.stdin
        )
        text = _text(ran)
        words, perf = read_plugin(text)
        blank = redactor(_secrets(self._orders, wanted.env, wanted.stdin))
        values: dict[str, Value] = {
            "exit": ran.exit, "output": blank(text), "perf": perf, "duration": took_s,
        }  # fmt: skip
        says = VERDICTS.get(ran.exit, "fail") if not ran.signal else "fail"
        if ran.signal:
            words = f"it was ended by signal {ran.signal}"
        elif ran.exit not in VERDICTS:
            words = f"exit {ran.exit}, which no plug-in has: {words}"
        evidence = blank(text).encode()
        return Measured(values, evidence, says=says, words=blank(words))

    def close(self) -> None:
        """End the runner, which all probes share that start programs."""
        self._orders.close()


class ScriptProbe:
    """Exit 0 is well; what it says are its values."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def measure(self, ask: Ask) -> Measured:
        """`exit`, `output`, `values` by name; `value`, when it says one; `duration`."""
        wanted = ask.check.script
        assert wanted is not None
        ran, took_s = await _run(
            self._orders, _argv(wanted.command, ask), ask, env=wanted.env, stdin=wanted.stdin
        )
        return _measured(ran, took_s, _secrets(self._orders, wanted.env, wanted.stdin))


class SshProbe:
    """A command on the check's host; the system's ssh, its host keys known before."""

    def __init__(self, orders: Orders, egress: Egress) -> None:
        self._orders = orders
        self._egress = egress

    async def measure(self, ask: Ask) -> Measured:
        """As a script of one's own. The command goes by standard input: no argument holds it."""
        wanted = ask.check.ssh
        assert wanted is not None
        argv = await ssh_argv(ask, self._egress)
        begun = perf_counter()
        ran = await self._orders.run(
            argv, env={}, stdin=wanted.command.encode() + b"\n", timeout_s=ask.timeout_s
        )
        took_s = perf_counter() - begun
        if ran.exit == 255:
            said = ran.errors.decode("utf-8", "replace").strip().splitlines()
            raise Unreachable(
                f"No ssh to {ask.host_id}: {(said or ['no reason given'])[-1][:200]}."
            )
        return _measured(ran, took_s, [])


async def ssh_argv(ask: Ask, egress: Egress) -> list[str]:
    """The call that runs `sh -s` there: at the address that the guard has let through."""
    options = await ssh_options(ask, egress)
    assert ask.host is not None
    return ["ssh", *options, "--", ask.host.address, "sh -s"]


async def ssh_options(ask: Ask, egress: Egress) -> list[str]:
    """What `ssh` and `sftp` are told of the check's host, and of where the guard lets them."""
    host = ask.host
    if host is None:
        raise Invalid(f"{ask.name} runs by ssh and names no host.")
    if host.address.startswith("-") or (host.user or "").startswith("-"):
        raise Invalid(f"The address or the user of {ask.host_id} begins with '-'.")
    port = host.port or SSH_PORT
    address = (await egress.lookup(host.address.lower(), port))[0]
    argv = [*_SSH, "-o", f"ConnectTimeout={max(1, int(ask.timeout_s))}", "-o", f"Port={port}"]
    argv += ["-o", f"HostName={address}", "-o", f"HostKeyAlias={host.address}"]
    if host.key is not None:
        if not host.key.startswith("file:"):
            raise Invalid(f"The key of {ask.host_id} must be a file for ssh: key: file:/path.")
        argv += ["-i", host.key.removeprefix("file:"), "-o", "IdentitiesOnly=yes"]
    if host.known_hosts is not None:
        argv += ["-o", f"UserKnownHostsFile={host.known_hosts}"]
    if host.user is not None:
        argv += ["-o", f"User={host.user}"]
    return argv


async def _run(
    orders: Orders, argv: list[str], ask: Ask, *, env: Mapping[str, str], stdin: str | None
) -> tuple[Ran, float]:
    given = None if stdin is None else orders.secret(stdin).encode()
    begun = perf_counter()
    ran = await orders.run(argv, env=orders.secret_env(env), stdin=given, timeout_s=ask.timeout_s)
    return ran, perf_counter() - begun


def _argv(command: list[str], ask: Ask) -> list[str]:
    """`{address}`, `{host}` and `{business_date}` filled in, within one argument each."""
    known = {
        "{address}": ask.host.address if ask.host else "",
        "{host}": ask.host_id or "",
        "{business_date}": ask.business_date.isoformat(),
    }
    if not command:
        raise Invalid(f"{ask.name} names no program.")
    if any(is_reference(word) for word in command[1:]):
        raise Invalid(
            f"{ask.name}: a secret must not be an argument, which everybody on the machine can "
            "read; give it by `env` or `stdin`."
        )
    filled = []
    for word in command:
        for place, text in known.items():
            word = word.replace(place, text)
        filled.append(word)
    return filled


def _text(ran: Ran) -> str:
    """What it said; its errors where it said nothing else."""
    return (ran.output or ran.errors).decode("utf-8", "replace")


def read_plugin(text: str) -> tuple[str, dict[str, float]]:
    """The first line without its figures, and the figures of all lines (after each line's `|`)."""
    words, perf = "", []
    for number, line in enumerate(text.splitlines()):
        said, _, figures = line.partition("|")
        if number == 0:
            words = said.strip()
        perf.append(figures)
    found: dict[str, float] = {}
    for quoted, plain, number, unit in _PERF.findall(" ".join(perf)):
        if len(found) < FIGURES_MAX and unit in _UNITS:
            try:
                found[(quoted or plain).replace("''", "'")] = float(number) * _UNITS[unit]
            except ValueError:
                continue
    return words or "it says nothing", found


def _measured(ran: Ran, took_s: float, secrets: list[str]) -> Measured:
    text = redactor(secrets)(_text(ran))
    values: dict[str, Value] = {"exit": ran.exit, "output": text.strip(), "duration": took_s}
    figures = read_values(text)
    values["values"] = figures
    if "value" in figures:
        values["value"] = figures["value"]
    if ran.signal or ran.exit:
        first = next(
            (line.strip() for line in text.splitlines() if line.strip()), "it says nothing"
        )
        how = f"signal {ran.signal}" if ran.signal else f"exit {ran.exit}"
        return Measured(values, text.encode(), says="fail", words=f"{how}: {first}")
    return Measured(values, text.encode())


def read_values(text: str) -> dict[str, Value]:
    """`name=value` lines, a JSON object, or one bare number, which is `value`."""
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            found = json.loads(stripped)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return dict(list(found.items())[:FIGURES_MAX])
    if (number := _number(stripped)) is not None:
        return {"value": number}
    values: dict[str, Value] = {}
    for line in stripped.splitlines()[:FIGURES_MAX]:
        match = _VALUE.fullmatch(line.strip())
        if match is not None:
            number = _number(match[2])
            values[match[1]] = match[2] if number is None else number
    return values


def _number(text: str) -> float | None:
    try:
        return float(text) if len(text) < 40 else None
    except ValueError:
        return None


def _secrets(orders: Orders, env: Mapping[str, str], stdin: str | None) -> list[str]:
    found = [text for text in env.values() if is_reference(text)]
    return [orders.secret(one) for one in (*found, *([stdin] if stdin else []))]
