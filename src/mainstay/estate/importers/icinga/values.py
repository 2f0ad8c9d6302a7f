"""What Icinga 2's expressions mean, with the names that are known; and objects with all that they inherit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import re2

from mainstay.estate.importers.icinga.language import Block, Node, Program
from mainstay.estate.importers.icinga.tokens import Unread

Values = dict[str, Any]
IMPORTS_MAX = 32
PLUGINS = "/usr/lib/nagios/plugins"
KNOWN: Mapping[str, Any] = {
    "PluginDir": PLUGINS, "PluginContribDir": PLUGINS, "ManubulonPluginDir": PLUGINS,
    "NodeName": "localhost", "ZoneName": "localhost",
}  # fmt: skip


class Meaning:
    """Gives values of a program's constants and templates."""

    def __init__(self, program: Program) -> None:
        self._templates = {
            (block.kind, str(block.name.value)): block
            for block in program.blocks
            if block.word == "template" and block.name.kind == "value"
        }
        self._constants = program.constants

    def name(self, block: Block, scope: Mapping[str, Any]) -> str:
        """The name of an object. Unread when it cannot be told."""
        return str(self.value(block.name, scope))

    def attributes(self, block: Block, scope: Mapping[str, Any], depth: int = 0) -> Values:
        """Its settings in their order, those that it imports among them. Unread for what is not known."""
        values: Values = {"vars": {}}
        self._fill(block, values, scope, depth)
        return values

    def _fill(self, block: Block, values: Values, scope: Mapping[str, Any], depth: int) -> None:
        if depth > IMPORTS_MAX:
            raise Unread("these templates import each other", block.at)
        inside = {**scope, **values, "vars": values["vars"]}
        for one in block.body:
            if isinstance(one, Node):
                name = self.value(one, inside)
                template = self._templates.get((block.kind, str(name)))
                if template is not None:
                    self._fill(template, values, scope, depth + 1)
                elif "generic" not in str(name) and not str(name).startswith("plugin-"):
                    raise Unread(f"imports {name!r}, which is not in these files", one.at)
                inside = {**scope, **values}
                continue
            keys = [self.value(part, inside) for part in one.path]
            place = values
            for key in keys[:-1]:
                if not isinstance(place.get(key), dict):
                    place[key] = {}
                place = place[key]
            new = self.value(one.value, inside)
            old = place.get(keys[-1])
            place[keys[-1]] = _added(old, new) if one.operator == "+=" and old is not None else new
            inside = {**scope, **values}

    def value(self, node: Node, scope: Mapping[str, Any]) -> Any:
        """What an expression is. Unread for what is not known here."""
        match node.kind:
            case "value":
                return node.value
            case "list":
                return [self.value(one, scope) for one in node.parts]
            case "map":
                pairs = zip(node.parts[::2], node.parts[1::2], strict=True)
                return {str(key.value): self.value(one, scope) for key, one in pairs}
            case "name":
                return self._named(node, scope)
            case "part":
                whole, key = (self.value(one, scope) for one in node.parts)
                return _part(whole, key)
            case "not":
                return not self.value(node.parts[0], scope)
            case "&&":
                left, right = node.parts
                return self.value(left, scope) and self.value(right, scope)
            case "||":
                left, right = node.parts
                return self.value(left, scope) or self.value(right, scope)
            case "call":
                return self._called(node, scope)
        left, right = (self.value(one, scope) for one in node.parts)
        return _combined(node, left, right)

    def _named(self, node: Node, scope: Mapping[str, Any]) -> Any:
        name = str(node.value)
        if name in scope:
            return scope[name]
        if name in self._constants:
            return self.value(self._constants[name], {})
        if name in KNOWN:
            return KNOWN[name]
        raise Unread(f"{name!r} is not known here", node.at)

    def _called(self, node: Node, scope: Mapping[str, Any]) -> Any:
        function, *parts = node.parts
        arguments = [self.value(one, scope) for one in parts]
        match function.kind, function.value, arguments:
            case "name", "match", [pattern, text, *_]:
                return any(fnmatchcase(str(one), str(pattern)) for one in _each(text))
            case "name", "regex", [pattern, text, *_] if len(str(pattern)) < 200:
                return any(_fits(str(pattern), str(one), node) for one in _each(text))
            case "name", "len", [whole] if isinstance(whole, str | list | dict):
                return float(len(whole))
            case "name", "string", [one]:
                return str(one)
        raise Unread("this function is not known here", node.at)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _fits(pattern: str, text: str, node: Node) -> bool:
    try:
        return re2.search(pattern, text) is not None
    except re2.error as error:
        raise Unread(f"not a regular expression in RE2's syntax: {error}", node.at) from None


def _part(whole: Any, key: Any) -> Any:
    """A part of what is not there is nothing."""
    if isinstance(whole, dict):
        return whole.get(key)
    if isinstance(whole, list) and isinstance(key, float) and 0 <= key < len(whole):
        return whole[int(key)]
    return None


def _added(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, float) and isinstance(new, float):
        return old + new
    return f"{plain(old)}{plain(new)}"


def _combined(node: Node, left: Any, right: Any) -> Any:
    match node.kind:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "in" | "!in":
            inside = left in right if isinstance(right, list | dict) else False
            return inside if node.kind == "in" else not inside
        case "+":
            return _added("" if left is None else left, "" if right is None else right)
    if isinstance(left, float) and isinstance(right, float):
        answers = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
        return left - right if node.kind == "-" else answers[node.kind]
    raise Unread(f"{node.kind!r} is asked of what are no numbers", node.at)


_WHOLE = re.compile(r"\.0$")


def plain(value: Any) -> str:
    """A value as a text: whole numbers without a point."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case float():
            return _WHOLE.sub("", repr(value))
    return str(value)
