"""CheckCommands as programs with their arguments: those of the files, and the usual ones that Icinga brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mainstay.estate.importers.icinga.values import PLUGINS, Values, plain

_MACRO = re.compile(r"\$([\w.]+)\$")
_SECRET = re.compile(r"pass|secret|token|community|credential", re.I)
DEPTH_MAX = 8
_ADDRESS = {"value": "$address$", "order": -1.0}
_USUAL: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "http": ("check_http", {
        "-I": {"value": "$address$", "order": -1.0}, "-H": "$http_vhost$", "-u": "$http_uri$",
        "-p": "$http_port$", "-S": {"set_if": "$http_ssl$"}, "--sni": {"set_if": "$http_sni$"},
        "-e": "$http_expect$", "-s": "$http_string$", "-w": "$http_warn_time$",
        "-c": "$http_critical_time$", "-C": "$http_certificate$", "-f": "$http_onredirect$",
        "-t": "$http_timeout$",
    }),
    "tcp": ("check_tcp", {"-H": _ADDRESS, "-p": "$tcp_port$", "-w": "$tcp_wtime$", "-c": "$tcp_ctime$"}),
    "ssl": ("check_tcp", {"-H": _ADDRESS, "-p": "$ssl_port$", "--ssl": {"set_if": "true"},
                          "-D": "$ssl_cert_valid_days_warn$"}),
    "ssh": ("check_ssh", {"-p": "$ssh_port$", "-t": "$ssh_timeout$",
                          "host": {"value": "$address$", "skip_key": True, "order": 1.0}}),
    "smtp": ("check_smtp", {"-H": _ADDRESS, "-p": "$smtp_port$"}),
    "imap": ("check_imap", {"-H": _ADDRESS, "-p": "$imap_port$"}),
    "dns": ("check_dns", {"-H": "$dns_lookup$", "-s": "$dns_server$", "-a": "$dns_expected_answers$"}),
    "pgsql": ("check_pgsql", {"-H": _ADDRESS, "-P": "$pgsql_port$", "-d": "$pgsql_database$"}),
    "disk": ("check_disk", {"-w": "$disk_wfree$", "-c": "$disk_cfree$", "-p": "$disk_partition$"}),
    "load": ("check_load", {"-w": "$load_wload1$,$load_wload5$,$load_wload15$",
                            "-c": "$load_cload1$,$load_cload5$,$load_cload15$"}),
    "procs": ("check_procs", {"-w": "$procs_warning$", "-c": "$procs_critical$", "-a": "$procs_argument$",
                              "-C": "$procs_command$", "-u": "$procs_user$"}),
    "swap": ("check_swap", {"-w": "$swap_wfree$%", "-c": "$swap_cfree$%"}),
    "users": ("check_users", {"-w": "$users_wgreater$", "-c": "$users_cgreater$"}),
    "ntp_time": ("check_ntp_time", {"-H": _ADDRESS, "-w": "$ntp_warning$", "-c": "$ntp_critical$"}),
}  # fmt: skip
"""Icinga's own template library, in its most common parts: the program, and its arguments."""
_DEFAULTS: Mapping[str, Values] = {
    "disk": {"disk_wfree": "20%", "disk_cfree": "10%"},
    "load": {"load_wload1": 5.0, "load_wload5": 4.0, "load_wload15": 3.0, "load_cload1": 10.0,
             "load_cload5": 6.0, "load_cload15": 4.0},
    "procs": {"procs_warning": 250.0, "procs_critical": 400.0},
    "swap": {"swap_wfree": 50.0, "swap_cfree": 25.0},
    "users": {"users_wgreater": 20.0, "users_cgreater": 50.0},
    "ssl": {"ssl_port": 443.0, "ssl_cert_valid_days_warn": 30.0},
    "http": {"http_sni": False, "http_ssl": False},
}  # fmt: skip


@dataclass(slots=True)
class Call:
    """A program as it will run, and what of it could not be told."""

    argv: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Macros:
    """Values of `$…$`, nearest first: the service's, its host's, the command's own."""

    layers: list[Values]
    notes: list[str]

    def filled(self, text: str, depth: int = 0) -> str | None:
        """None when a part of it has no value: the argument is left away then."""
        missing = False

        def one(match: re.Match[str]) -> str:
            nonlocal missing
            name = match[1]
            if name in ("address", "host.address", "address6", "host.address6"):
                return "{address}"
            if name in ("host.name", "host.display_name"):
                return "{host}"
            if _SECRET.search(name):
                self.notes.append(f"macro ${name}$: give the secret by env or stdin")
                return match[0]
            found = self._value(name.removeprefix("host.vars.").removeprefix("service.vars."))
            if found is None or found == "":
                missing = True
                return ""
            words = ",".join(map(plain, found)) if isinstance(found, list) else plain(found)
            inner = self.filled(words, depth + 1) if "$" in words and depth < DEPTH_MAX else words
            missing = missing or inner is None
            return inner or ""

        words = _MACRO.sub(one, text)
        return None if missing else words

    def _value(self, name: str) -> Any:
        return next((layer[name] for layer in self.layers if layer.get(name) is not None), None)

    def is_set(self, text: str) -> bool:
        words = self.filled(text)
        return words is not None and words.lower() not in ("", "0", "false")


def call_of(name: str, declared: Values | None, layers: list[Values]) -> Call:
    """The program that a CheckCommand runs. `layers`: the variables of the service and of its host."""
    if declared is not None and declared.get("command") is not None:
        command, arguments = declared["command"], declared.get("arguments") or {}
        macros = _Macros([*layers, declared["vars"]], [])
    elif name in _USUAL:
        program, arguments = _USUAL[name]
        command = [f"{PLUGINS}/{program}"]
        macros = _Macros([*layers, dict(_DEFAULTS.get(name, {}))], [])
    else:
        guess = f"command {name} is not in these files: its program and arguments are a guess"
        return Call([f"{PLUGINS}/check_{name}", "-H", "{address}"], [guess])
    argv = [
        macros.filled(plain(word)) for word in (command if isinstance(command, list) else [command])
    ]
    words = [word for word in argv if word]
    if isinstance(arguments, dict):
        ordered = sorted(arguments.items(), key=lambda item: _order(item[1]))
        for key, wanted in ordered:
            words += _argument(
                key, wanted if isinstance(wanted, dict) else {"value": wanted}, macros
            )
    return Call(words or [name], list(dict.fromkeys(macros.notes)))


def _order(wanted: Any) -> float:
    order = wanted.get("order") if isinstance(wanted, dict) else None
    return order if isinstance(order, float) else 0.0


def _argument(key: str, wanted: Values, macros: _Macros) -> list[str]:
    condition = wanted.get("set_if")
    if condition is not None and not macros.is_set(plain(condition)):
        return []
    key = plain(wanted.get("key") or key)
    before = [] if wanted.get("skip_key") else [key]
    if wanted.get("value") is None:
        return before
    value = wanted["value"]
    found = [macros.filled(plain(one)) for one in (value if isinstance(value, list) else [value])]
    return [word for one in found if one is not None for word in (*before, one)]
