"""Icinga 2: objects, templates and apply rules become hosts, people, teams and checks.

A service becomes a check that runs its plug-in unmodified, one for all hosts on which it is the same; a
host's own check becomes a ping. What Icinga's agent runs is run by ssh. What cannot be read is a comment
with file, line and column.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.estate.importers.draft import Draft, Text, Thing, plain_id, span, wrong
from mainstay.estate.importers.icinga.commands import call_of
from mainstay.estate.importers.icinga.language import Block, Program, parse
from mainstay.estate.importers.icinga.tokens import Unread
from mainstay.estate.importers.icinga.values import Meaning, Values, plain

HANDLED = frozenset(
    ["Host", "HostGroup", "Service", "User", "UserGroup", "CheckCommand", "Dependency"]
)
SILENT = frozenset({"Endpoint", "Zone"})
PINGS = frozenset({"hostalive", "hostalive4", "ping", "ping4", "ping6", "hostalive6", "icmp"})
PASSIVE = frozenset({"passive", "dummy"})
EVERY_S, RETRY_S = 300.0, 60.0
"""Icinga's own, where nothing is said."""
_NOT_CARRIED = (
    "check_period", "event_command", "notes_url", "action_url", "flapping_threshold_high",
    "zone", "enable_perfdata", "volatile",
)  # fmt: skip


@dataclass(slots=True)
class _Ground:
    """What the parts of an import share. `made`: (host, service) in Icinga → our check."""

    program: Program
    meaning: Meaning
    draft: Draft
    hosts: dict[str, Values] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    made: dict[tuple[str, str | None], str] = field(default_factory=dict)
    services: dict[tuple[str, str], Values] = field(default_factory=dict)

    def of(self, kind: str, word: str = "object") -> Iterator[Block]:
        return (one for one in self.program.blocks if (one.kind, one.word) == (kind, word))

    def told(self, block: Block, unread: Unread) -> None:
        """This block could not be carried over, and why."""
        at = unread.at
        self.draft.leave_out(
            f"{block.called}:{at.line}:{at.column}: {block.word} {block.kind}: {unread.words}"
        )


def read(files: Sequence[Text], draft: Draft) -> None:
    """Every statement of these files, together. Invalid when they hold none that is read here."""
    program = Program()
    for file in files:
        parse(file, program, draft.leave_out)
    if not program.blocks:
        raise wrong(files[0].called, 1, 'no object here: expected `object Host "…" { … }`')
    ground = _Ground(program, Meaning(program), draft)
    try:
        for part in (_hosts, _groups, _people, _services, _dependencies):
            part(ground)
    except RecursionError:
        raise wrong(files[0].called, 1, "what these files say is nested too deep") from None
    for block in program.blocks:
        if block.kind not in HANDLED | SILENT and block.word != "template":
            draft.leave_out(f"{block.place}: {block.word} {block.kind} {plain(block.name.value)}")


def _objects(ground: _Ground, kind: str) -> Iterator[tuple[str, Values, Block]]:
    for block in ground.of(kind):
        try:
            name = ground.meaning.name(block, {})
            yield name, ground.meaning.attributes(block, {"name": name}), block
        except Unread as unread:
            ground.told(block, unread)


# -- hosts, people ---------------------------------------------------------------------------------


def _hosts(ground: _Ground) -> None:
    for name, values, _ in _objects(ground, "Host"):
        values["name"] = name
        values.setdefault("groups", [])
        values.setdefault("display_name", name)
        ground.hosts[name] = values
        value: dict[str, Any] = {"address": plain(values.get("address") or name)}
        if values["display_name"] != name:
            value["about"] = plain(values["display_name"])
        ground.ids[name], thing = ground.draft.add("hosts", name, value)
        _leave_out(values, thing)
    for name, values in ground.hosts.items():
        if plain(values.get("check_command")) in PINGS:
            value = {"service": _about(ground, name), "ping": plain(values.get("address") or name)}
            id_, _ = ground.draft.add("checks", f"{ground.ids[name]}-ping", value | _times(values))
            ground.made[name, None] = id_


def _groups(ground: _Ground) -> None:
    """Host groups are tags."""
    for name, _, block in _objects(ground, "HostGroup"):
        for host in ground.hosts.values():
            if name not in host["groups"] and _applies(ground, block, {"host": host}):
                host["groups"] = [*host["groups"], name]
    for name, host in ground.hosts.items():
        if host["groups"]:
            tags = sorted({plain_id(plain(one)) for one in host["groups"]})
            ground.draft.things["hosts"][ground.ids[name]].value["tags"] = tags


def _people(ground: _Ground) -> None:
    members: dict[str, list[str]] = {name: [] for name, _, _ in _objects(ground, "UserGroup")}
    for name, values, _ in _objects(ground, "User"):
        who = {"name": plain(values.get("display_name") or name)}
        id_ = ground.draft.once("people", name, lambda who=who: who)  # type: ignore[misc]
        thing = ground.draft.things["people"].get(id_)
        for key in ("email", "pager"):
            if thing is not None and values.get(key):
                thing.leave_out(f"{key}: people say themselves where they are reached")
        for group in values.get("groups") or []:
            members.setdefault(plain(group), []).append(id_)
    for name, ids in members.items():
        ground.draft.once("teams", name, lambda ids=ids: {"members": sorted(ids)})  # type: ignore[misc]


def _about(ground: _Ground, host: str) -> str:
    return ground.draft.once(
        "services", host, lambda: {"type": "host", "about": f"{host}, from Icinga"}
    )


# -- services --------------------------------------------------------------------------------------


def _services(ground: _Ground) -> None:
    commands = {name: values for name, values, _ in _objects(ground, "CheckCommand")}
    for block in ground.of("Service"):
        _carried(ground, block, commands, _declared(ground, block))
    for block in ground.of("Service", "apply"):
        _carried(ground, block, commands, _applied(ground, block))


def _declared(ground: _Ground, block: Block) -> Iterator[tuple[str, str, Values]]:
    values = ground.meaning.attributes(block, {})
    host = plain(values.get("host_name"))
    if host not in ground.hosts:
        raise Unread(f"its host {host!r} is not in these files", block.at)
    yield host, ground.meaning.name(block, {}), values


def _applied(ground: _Ground, block: Block) -> Iterator[tuple[str, str, Values]]:
    """Host, name and settings of each service that an apply rule makes."""
    found = False
    for host, its in ground.hosts.items():
        for more, suffix in _turns(ground, block, its):
            scope = {"host": its, **more}
            if _applies(ground, block, scope):
                name = f"{ground.meaning.name(block, scope)}{suffix}"
                found = True
                yield host, name, ground.meaning.attributes(block, {**scope, "name": name})
    if not found:
        raise Unread("it applies to no host of these files", block.at)


def _turns(ground: _Ground, block: Block, host: Values) -> Iterator[tuple[Values, str]]:
    """Once; or with `for`, once for each item, whose key or value ends the name."""
    if block.over is None:
        yield {}, ""
        return
    first, second, over = block.over
    items = ground.meaning.value(over, {"host": host})
    if isinstance(items, dict):
        for key, value in items.items():
            yield {first: key, **({second: value} if second else {})}, key
    elif isinstance(items, list):
        for value in items:
            yield {first: value}, plain(value)


def _applies(ground: _Ground, block: Block, scope: Mapping[str, Any]) -> bool:
    """Without any `assign where`, a rule with `for` applies, and no other."""
    if any(ground.meaning.value(one, scope) for one in block.ignore):
        return False
    if not block.assign:
        return block.over is not None
    return any(ground.meaning.value(one, scope) for one in block.assign)


def _carried(
    ground: _Ground, block: Block, commands: Mapping[str, Values],
    found: Iterator[tuple[str, str, Values]],
) -> None:  # fmt: skip
    """Services that are the same on several hosts are one check."""
    alike: dict[str, tuple[str, dict[str, Any], list[str], list[str], Values]] = {}
    try:
        for host, name, values in found:
            value, notes = _check(values, ground.hosts[host], commands, block)
            ground.services[host, name] = values
            key = json.dumps([name, value, notes], sort_keys=True, default=str)
            alike.setdefault(key, (name, value, notes, [], values))[3].append(host)
    except Unread as unread:
        ground.told(block, unread)
    for name, value, notes, hosts, values in alike.values():
        whole = {"service": _about(ground, hosts[0]), **value}
        if "heartbeat" not in value:
            whole["on"] = [ground.ids[host] for host in hosts]
        title = name if len(alike) == 1 and len(hosts) > 1 else f"{name}-{hosts[0]}"
        id_, thing = ground.draft.add("checks", title, whole | _times(values, value))
        for note in notes:
            thing.leave_out(note)
        _leave_out(values, thing)
        ground.made |= {(host, name): id_ for host in hosts}


def _check(
    values: Values, host: Values, commands: Mapping[str, Values], block: Block
) -> tuple[dict[str, Any], list[str]]:
    """How it is measured, and what to say of it."""
    name = plain(values.get("check_command"))
    if not name:
        raise Unread("it has no check_command", block.at)
    if name in PASSIVE or values.get("enable_active_checks") is False:
        note = "it is passive there: its sender pings /ping/KEY/NAME instead, or /fail"
        return {"heartbeat": True, "period": "1d", "grace": "5m"}, [note]
    if name in PINGS:
        return {"plugin": {"command": ["check_ping", "-H", "{address}", "-w", "3000,80%", "-c", "5000,100%"]}}, []  # fmt: skip
    call = call_of(name, commands.get(name), [values["vars"], host["vars"]])
    if values.get("command_endpoint"):
        argv = [
            word.replace("{address}", plain(host.get("address") or host["name"]))
            for word in call.argv
        ]
        note = (
            "Icinga's agent ran it there; here it is run by ssh, where a warning is a failure too"
        )
        return {"ssh": shlex.join(argv)}, [*call.notes, note]
    return {"plugin": {"command": call.argv}}, call.notes


def _times(values: Values, value: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if value is not None and "heartbeat" in value:
        return {}
    every, retry = values.get("check_interval"), values.get("retry_interval")
    attempts = values.get("max_check_attempts")
    every_s = every if isinstance(every, float) and every > 0 else EVERY_S
    retry_s = retry if isinstance(retry, float) and retry > 0 else RETRY_S
    times: dict[str, Any] = {"every": span(every_s), "retry": span(min(retry_s, every_s))}
    if isinstance(attempts, float):
        times["attempts"] = int(min(20, max(1, attempts)))
    return times


def _leave_out(values: Values, thing: Thing) -> None:
    for key in _NOT_CARRIED:
        if values.get(key) not in (None, False, ""):
            thing.leave_out(f"{key} {plain(values[key])}")


# -- dependencies ----------------------------------------------------------------------------------


def _dependencies(ground: _Ground) -> None:
    for word in ("object", "apply"):
        for block in ground.of("Dependency", word):
            try:
                _quiet(ground, block)
            except Unread as unread:
                ground.told(block, unread)


def _quiet(ground: _Ground, block: Block) -> None:
    """What depends is quiet while that fails on which it depends."""
    carried = False
    for (host, name), id_ in ground.made.items():
        its = ground.hosts[host]
        scope: Values = {"host": its}
        if name is not None:
            scope["service"] = {**ground.services[host, name], "name": name}
        if block.word == "apply" and (
            (block.to == "Service") != (name is not None) or not _applies(ground, block, scope)
        ):
            continue
        values = ground.meaning.attributes(block, scope)
        if block.word == "object" and (host, name) != (
            values.get("child_host_name"), values.get("child_service_name"),
        ):  # fmt: skip
            continue
        parent = values.get("parent_host_name", host), values.get("parent_service_name")
        master = ground.made.get(
            (plain(parent[0]), None if parent[1] is None else plain(parent[1]))
        )
        if master is None or master == id_:
            continue
        value = ground.draft.things["checks"][id_].value
        if master not in value.setdefault("unless_failing", []):
            value["unless_failing"].append(master)
        carried = True
    if not carried:
        raise Unread("what it names is not in these files", block.at)
