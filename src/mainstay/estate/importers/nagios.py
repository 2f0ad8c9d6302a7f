"""Nagios and Icinga 1: object files (`define host { … }`), templates and inheritance included.

A service becomes a check that runs its plug-in unmodified on the same hosts; a host's own check
becomes a ping, and what depends on it is quiet while it fails. A passive service with a freshness
threshold becomes a heartbeat. What a check is about is its service group, else its host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainstay.estate.importers.draft import Draft, Text, Thing, plain_id, span
from mainstay.estate.importers.nagios_objects import (
    Object,
    Objects,
    command_of,
    names_in,
    read_objects,
)

HANDLED = frozenset(
    ["host", "service", "hostgroup", "servicegroup", "contact", "contactgroup", "command"]
)
DEPENDENCIES = ("servicedependency", "hostdependency")
INTERVAL_S = 60.0
"""Nagios' `interval_length`: what an interval of 1 means."""
ALWAYS = ("", "24x7", "always")
_NOT_CARRIED = (
    "event_handler", "notification_period", "notification_options", "notification_interval",
    "first_notification_delay", "flap_detection_options", "notes_url", "action_url", "escalation",
    "process_perf_data", "obsess_over_service", "stalking_options",
)  # fmt: skip


def read(files: Sequence[Text], draft: Draft) -> None:
    """Every object of these files, together. Invalid, with its place, for what cannot be read."""
    objects = read_objects(files)
    _people(objects, draft)
    hosts = _hosts(objects, draft)
    checks = _services(objects, draft, hosts)
    _dependencies(objects, draft, checks)
    for one in objects.all:
        if one.kind not in HANDLED and one.kind not in DEPENDENCIES and one.is_real:
            draft.leave_out(f"{one.kind} {one.name} ({one.place})")
    for one in objects.unused_commands():
        draft.leave_out(f"command {one.name} ({one.place}): no service uses it")


# -- people ----------------------------------------------------------------------------------------


def _people(objects: Objects, draft: Draft) -> None:
    for one in objects.of("contact"):
        value = {"name": one.get("alias") or one.name}
        id_ = draft.once("people", one.name, lambda value=value: value)  # type: ignore[misc]
        thing = draft.things["people"].get(id_)
        for key in ("email", "pager", "address1"):
            if thing is not None and one.get(key):
                thing.leave_out(f"{key}: people say themselves where they are reached")
    for one in objects.of("contactgroup"):
        names = set(names_in(one.get("members")))
        names |= {
            who.name
            for who in objects.of("contact")
            if one.name in names_in(who.get("contactgroups"))
        }
        members = [plain_id(name) for name in sorted(names) if objects.find("contact", name)]
        draft.once("teams", one.name, lambda members=members: {"members": members})  # type: ignore[misc]


# -- hosts -----------------------------------------------------------------------------------------


def _hosts(objects: Objects, draft: Draft) -> dict[str, str]:
    """Nagios' name → our id. Each with a ping of its own."""
    ids: dict[str, str] = {}
    for one in objects.of("host"):
        tags = sorted(plain_id(name) for name in objects.groups_of_host(one))
        value: dict[str, Any] = {"address": one.get("address") or one.name}
        value |= {"tags": tags} if tags else {}
        if one.get("alias"):
            value["about"] = one.get("alias")
        ids[one.name], thing = draft.add("hosts", one.name, value)
        _leave_out(one, thing)
    for one in objects.of("host"):
        if one.get("check_command") or one.get("parents"):
            parents = [f"{ids[name]}-ping" for name in names_in(one.get("parents")) if name in ids]
            value = {
                "service": _about(objects, draft, one, one.name),
                "ping": one.get("address") or one.name,
            }
            value |= _times(one)
            value |= {"unless_failing": parents} if parents else {}
            _, thing = draft.add("checks", f"{ids[one.name]}-ping", value)
            command = one.get("check_command")
            if command and "alive" not in command and "ping" not in command:
                thing.leave_out(f"check_command {command}: here it is a ping")
    pinged = {id_ for id_ in draft.things.get("checks", {}) if id_.endswith("-ping")}
    for check in draft.things.get("checks", {}).values():
        known = [one for one in check.value.get("unless_failing", ()) if one in pinged]
        if "unless_failing" in check.value:
            check.value["unless_failing"] = known
    return ids


def _about(objects: Objects, draft: Draft, one: Object, host: str) -> str:
    """What a check is about: a service group of it, else its host."""
    groups = objects.groups_of_service(one) if one.kind == "service" else []
    name = groups[0] if groups else host
    owner = next(
        (plain_id(group) for group in names_in(one.get("contact_groups"))
         if objects.find("contactgroup", group)), None,
    )  # fmt: skip

    def made() -> dict[str, Any]:
        kind = {} if groups else {"type": "host"}
        return kind | ({"owner": owner} if owner else {}) | {"about": f"{name}, from Nagios"}

    return draft.once("services", name, made)


# -- services --------------------------------------------------------------------------------------


def _services(objects: Objects, draft: Draft, hosts: dict[str, str]) -> dict[tuple[str, str], str]:
    """(host, description) in Nagios → our check."""
    made: dict[tuple[str, str], str] = {}
    for one in objects.of("service"):
        names = [name for name in objects.hosts_of(one) if name in hosts]
        what = one.get("service_description") or one.name
        if not names:
            draft.leave_out(f"service {what} ({one.place}): none of its hosts is in these files")
            continue
        value: dict[str, Any] = {"service": _about(objects, draft, one, names[0])}
        notes: list[str] = []
        if one.get("active_checks_enabled") == "0":
            value |= _passive(one, notes)
        else:
            command, notes = command_of(objects, one)
            value |= {"plugin": {"command": command}, "on": [hosts[name] for name in names]}
            value |= _times(one)
        title = f"{what}-{names[0]}" if len(names) == 1 else what
        id_, thing = draft.add("checks", title, value)
        for note in notes:
            thing.leave_out(note)
        _leave_out(one, thing)
        made |= {(name, what): id_ for name in names}
    return made


def _passive(one: Object, notes: list[str]) -> dict[str, Any]:
    threshold = one.number("freshness_threshold")
    notes.append("it is passive there: its sender pings /ping/KEY/NAME instead, or /fail")
    if not threshold:
        notes.append("no freshness_threshold is given there; it must ping once a day")
    return {"heartbeat": True, "period": span(threshold or 86_400), "grace": "5m"}


def _times(one: Object) -> dict[str, Any]:
    every = one.number("check_interval") or one.number("normal_check_interval")
    retry = one.number("retry_interval") or one.number("retry_check_interval")
    attempts = one.number("max_check_attempts")
    value: dict[str, Any] = {"every": span((every or 5) * INTERVAL_S)}
    if retry:
        value["retry"] = span(retry * INTERVAL_S)
    if attempts:
        value["attempts"] = int(min(20, max(1, attempts)))
    return value


def _leave_out(one: Object, thing: Thing) -> None:
    period = one.get("check_period")
    if period.lower() not in ALWAYS:
        thing.leave_out(f'check_period {period}: write `active: "06:00-22:00"`, or a calendar')
    for key in _NOT_CARRIED:
        if one.get(key):
            thing.leave_out(f"{key} {one.get(key)}")
    for key, text in one.values.items():
        if key.startswith("_"):
            thing.leave_out(
                f"{key}, a variable of its own" + (f": {text}" if "PASS" not in key.upper() else "")
            )


# -- dependencies ----------------------------------------------------------------------------------


def _dependencies(objects: Objects, draft: Draft, checks: dict[tuple[str, str], str]) -> None:
    for one in objects.of("servicedependency"):
        masters = [
            checks.get((host, one.get("service_description")))
            for host in names_in(one.get("host_name"))
        ]
        dependents = names_in(one.get("dependent_host_name")) or names_in(one.get("host_name"))
        what = one.get("dependent_service_description")
        found = [checks[key] for host in dependents if (key := (host, what)) in checks]
        known = [master for master in masters if master is not None]
        _quiet(draft, one, found, known)
    for one in objects.of("hostdependency"):
        have = draft.things.get("checks", {})
        masters_ = [f"{plain_id(name)}-ping" for name in names_in(one.get("host_name"))]
        found = [f"{plain_id(name)}-ping" for name in names_in(one.get("dependent_host_name"))]
        _quiet(draft, one, [x for x in found if x in have], [x for x in masters_ if x in have])


def _quiet(draft: Draft, one: Object, dependents: list[str], masters: list[str]) -> None:
    if not dependents or not masters:
        draft.leave_out(f"{one.kind} ({one.place}): what it names is not in these files")
    for id_ in dependents:
        value = draft.things["checks"][id_].value
        have = value.get("unless_failing", [])
        value["unless_failing"] = [
            *have,
            *(one for one in masters if one not in have and one != id_),
        ]
