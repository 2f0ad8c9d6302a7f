"""Nagios' object language: blocks, templates, inheritance, groups, commands with their macros."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mainstay.estate.importers.draft import Text, wrong

PLUGINS = "/usr/lib/nagios/plugins"
"""Where `$USER1$` points on Debian; the estate can be edited where it is elsewhere."""
DEPTH_MAX = 32
_DEFINE = re.compile(r"define\s+(\w+)\s*\{?\s*(.*)")
_MACRO = re.compile(r"\$(\w+)\$")
_NAMES = {
    "host": "host_name", "service": "service_description", "hostgroup": "hostgroup_name",
    "servicegroup": "servicegroup_name", "contact": "contact_name",
    "contactgroup": "contactgroup_name", "command": "command_name", "timeperiod": "timeperiod_name",
}  # fmt: skip


@dataclass(slots=True)
class Object:
    """One `define` block; `values` with what it inherits."""

    kind: str
    place: str
    called: str
    line: int
    values: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As others refer to it."""
        return self.get(_NAMES.get(self.kind, "name")) or self.get("name") or self.kind

    @property
    def is_real(self) -> bool:
        """Whether it is a thing and no template."""
        return self.get("register") != "0"

    def get(self, key: str) -> str:
        """The value of a key, or nothing; `null` means nothing."""
        found = self.values.get(key, "")
        return "" if found == "null" else found

    def number(self, key: str) -> float | None:
        """The value of a key as a number. Invalid, with its place, when it is none."""
        text = self.get(key)
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            raise wrong(self.called, self.line, f"{key} is {text!r}, which is no number") from None


class Objects:
    """All objects of all files."""

    def __init__(self, found: list[Object]) -> None:
        self.all = found
        self._used: set[str] = set()

    def of(self, kind: str) -> Iterator[Object]:
        """The things of a kind, templates left out."""
        return (one for one in self.all if one.kind == kind and one.is_real)

    def find(self, kind: str, name: str) -> Object | None:
        """By name."""
        return next((one for one in self.of(kind) if one.name == name), None)

    def command(self, name: str) -> Object | None:
        """A command, which is used by this."""
        self._used.add(name)
        return self.find("command", name)

    def unused_commands(self) -> list[Object]:
        """Commands that nothing asked for."""
        return [one for one in self.of("command") if one.name not in self._used]

    def groups_of_host(self, host: Object) -> list[str]:
        """The host groups that a host is in."""
        own = names_in(host.get("hostgroups"))
        theirs = [g.name for g in self.of("hostgroup") if host.name in names_in(g.get("members"))]
        return list(dict.fromkeys([*own, *theirs]))

    def groups_of_service(self, service: Object) -> list[str]:
        """The service groups that a service is in."""
        own = names_in(service.get("servicegroups"))
        theirs = []
        for group in self.of("servicegroup"):
            pairs = names_in(group.get("members"))
            couples = list(zip(pairs[::2], pairs[1::2], strict=False))
            if any(what == service.get("service_description") for _, what in couples):
                theirs.append(group.name)
        return list(dict.fromkeys([*own, *theirs]))

    def hosts_of(self, service: Object) -> list[str]:
        """The hosts that a service is on: named, or in a group; `!` leaves one out, `*` is all."""
        names: list[str] = []
        without = {name[1:] for name in names_in(service.get("host_name")) if name.startswith("!")}
        for name in names_in(service.get("host_name")):
            names += [one.name for one in self.of("host")] if name == "*" else [name]
        groups = names_in(service.get("hostgroup_name"))
        for host in self.of("host"):
            if "*" in groups or set(groups) & set(self.groups_of_host(host)):
                names.append(host.name)
        return [name for name in dict.fromkeys(names) if name not in without and name[:1] != "!"]


def read_objects(files: Sequence[Text]) -> Objects:
    """Every object, with what it inherits. Invalid, with its place, for what cannot be read."""
    found = [one for file in files for one in _blocks(file)]
    if not found:
        raise wrong(files[0].called, 1, "no object here: expected `define host { … }`")
    templates: dict[tuple[str, str], Object] = {}
    for one in found:
        if one.get("name"):
            templates[one.kind, one.get("name")] = one
    return Objects([_inherited(one, templates) for one in found])


def names_in(text: str) -> list[str]:
    """The names of a list such as `a, b`; `+` at its beginning adds to what is inherited."""
    return [name for part in text.removeprefix("+").split(",") if (name := part.strip())]


def _blocks(file: Text) -> Iterator[Object]:
    current: Object | None = None
    for number, raw in enumerate(file.text.splitlines(), start=1):
        line = _without_comment(raw)
        if not line:
            continue
        if re.match(r"(object|apply|template)\s+\w+", line):
            raise wrong(file.called, number, "this is Icinga 2's language: mainstay import icinga2")  # fmt: skip
        match = _DEFINE.match(line)
        if match is not None:
            if current is not None:
                raise wrong(
                    file.called, number, f"the {current.kind} of line {current.line} is not closed"
                )
            current = Object(match[1], f"{file.called}:{number}", file.called, number)
            line = match[2]
        if current is None:
            if line in ("{", "}") or "=" in line:
                continue
            raise wrong(file.called, number, f"expected `define …`, got {line[:60]!r}")
        closes = line.endswith("}")
        for part in line.removesuffix("}").strip().removeprefix("{").split("\n"):
            key, _, value = (
                part.strip().partition(" ") if " " in part.strip() else part.strip().partition("\t")
            )
            if key:
                current.values[key.strip()] = value.strip()
        if closes:
            yield current
            current = None
    if current is not None:
        raise wrong(
            file.called, current.line, f"this {current.kind} is not closed: a '}}' is missing"
        )


def _without_comment(line: str) -> str:
    text = line.strip().replace("\t", " ")
    if text.startswith("#"):
        return ""
    return re.split(r"(?<!\\);", text, maxsplit=1)[0].replace("\\;", ";").strip()


def _inherited(one: Object, templates: dict[tuple[str, str], Object], depth: int = 0) -> Object:
    """The object with the values of its templates; what stands first in `use` wins."""
    if depth > DEPTH_MAX:
        raise wrong(one.called, one.line, f"the templates of this {one.kind} use each other")
    values: dict[str, str] = {}
    for name in reversed(names_in(one.values.get("use", ""))):
        template = templates.get((one.kind, name))
        if template is None:
            raise wrong(
                one.called, one.line, f"it uses the template {name!r}, which is not in these files"
            )
        theirs = dict(_inherited(template, templates, depth + 1).values)
        for key in ("name", "register", "use"):
            theirs.pop(key, None)
        values |= theirs
    for key, text in one.values.items():
        if text.startswith("+") and key in values:
            text = f"{values[key]},{text[1:]}"
        values[key] = text
    return Object(one.kind, one.place, one.called, one.line, values)


def command_of(objects: Objects, service: Object) -> tuple[list[str], list[str]]:
    """The program that a service runs with its arguments, and what of it could not be told."""
    name, *arguments = re.split(r"(?<!\\)!", service.get("check_command"))
    declared = objects.command(name)
    notes: list[str] = []
    line = declared.get("command_line") if declared else f"$USER1$/{name} " + " ".join(arguments)
    if declared is None:
        notes.append(f"command {name} is not in these files: its arguments are a guess")

    def value(match: re.Match[str]) -> str:
        macro = match[1].upper()
        if macro.startswith("ARG") and macro[3:].isdigit():
            number = int(macro[3:])
            return arguments[number - 1].replace("\\!", "!") if number <= len(arguments) else ""
        if macro == "USER1":
            return PLUGINS
        if macro in ("HOSTADDRESS", "HOSTNAME"):
            return "{address}"
        notes.append(f"macro ${macro}$: replace it; a secret goes by env or stdin")
        return match[0]

    text = _MACRO.sub(value, _MACRO.sub(value, line))
    try:
        return shlex.split(text) or [name], list(dict.fromkeys(notes))
    except ValueError:
        raise wrong(
            service.called, service.line, f"the quotes of its command do not close: {text[:80]}"
        ) from None
