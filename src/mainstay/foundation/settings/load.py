"""Merges the layers, checks the whole, and says what is wrong where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mainstay.foundation.nearest import hint
from mainstay.foundation.secrets import is_reference, variable
from mainstay.foundation.settings.layers import (
    Given,
    Key,
    Origin,
    Problem,
    flat,
    from_defaults,
    from_environment,
    from_file,
    from_flags,
    invalid,
)
from mainstay.foundation.settings.values import ContradictionsError, Settings

SECRETS = (
    "database_password", "smtp.password", "sms.token", "sign_in.oidc.client_secret",
    "backup.passphrase", "audit.key", "secrets.key", "telemetry.key",
    "watchdog.mail.password", "watchdog.webhook.secret", "watchdog.webhook.url",
    "watchdog.heartbeat_url",
)  # fmt: skip
"""The settings that refer to a secret, or may."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and for each value (`smtp.host`) the layer that it came from."""

    settings: Settings
    origin: dict[str, Origin]
    file: Path | None

    def in_force(self) -> list[tuple[str, str, Origin]]:
        """(name, value as text, origin) of every setting, for `mainstay doctor`."""
        values = _by_name(self.settings)
        return [(name, _shown(value), self.origin[name]) for name, value in values.items()]


def load(*, file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Loaded:
    """The settings of all four layers. Invalid lists every mistake, each with its place.

    `flags`: nested, or dotted (`{"smtp.host": …}`); None means not given. An empty variable means
    not set. Relative paths in the file count from the file's folder.
    """
    known = _known(Settings)
    layers = (
        from_defaults(environment),
        from_file(file) if file else {},
        from_environment(environment),
        from_flags(flags),
    )
    merged = {key: entry for layer in layers for key, entry in layer.items()}
    given = _fitted(_without_referenced(merged, known), known, file=file, environment=environment)
    problems = _unknown(given, known)
    wrong = {problem.key for problem in problems}
    given = {key: entry for key, entry in given.items() if key not in wrong}
    try:
        settings = Settings.model_validate(_nested(given))
    except ValidationError as error:
        raise invalid(problems + _explain(error, given)) from None
    if problems:
        raise invalid(problems)
    origin: dict[str, Origin] = dict.fromkeys(_by_name(settings), "default")
    origin |= {".".join(key): entry.origin for key, entry in given.items() if key in known}
    return Loaded(settings, origin, file)


def references(settings: Settings) -> dict[str, str]:
    """The references to secrets that are set: setting → `env:NAME` or `file:/path`."""
    values = _by_name(settings)
    return {name: values[name] for name in SECRETS if is_reference(values.get(name) or "")}


def _by_name(settings: Settings) -> dict[str, Any]:
    return {".".join(key): value for key, value in flat(settings.model_dump()).items()}


# -- merging -------------------------------------------------------------------------------------


def _known(table: type[BaseModel], at: Key = ()) -> dict[Key, Any]:
    """Every key that holds a value, with its type."""
    found: dict[Key, Any] = {}
    for name, field in table.model_fields.items():
        inner = _table_in(field.annotation)
        if inner is None:
            found[(*at, name)] = field.annotation
        else:
            found |= _known(inner, (*at, name))
    return found


def _table_in(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _without_referenced(given: Mapping[Key, Given], known: Mapping[Key, Any]) -> dict[Key, Given]:
    """Without the variables that hold a secret which a setting names (`env:MAINSTAY_SMTP_…`)."""
    named = {variable(entry.value) for entry in given.values() if isinstance(entry.value, str)}
    return {
        key: entry
        for key, entry in given.items()
        if key in known or entry.origin != "environment" or entry.where not in named
    }


def _fitted(
    given: Mapping[Key, Given],
    known: Mapping[Key, Any],
    *,
    file: Path | None,
    environment: Mapping[str, str],
) -> dict[Key, Given]:
    """Texts made ready for their type: lists split at commas, paths made whole."""
    fitted = {}
    for key, entry in given.items():
        kind, value = known.get(key), entry.value
        if isinstance(value, str) and get_origin(kind) is tuple and entry.origin != "file":
            value = [part.strip() for part in value.split(",") if part.strip()]
        elif isinstance(value, str) and Path in (kind, *get_args(kind)):
            if value.startswith("~/") and environment.get("HOME"):
                value = environment["HOME"] + value[1:]
            if file and entry.origin == "file":
                value = str(file.parent / value)
        fitted[key] = replace(entry, value=value)
    return fitted


def _nested(given: Mapping[Key, Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, entry in given.items():
        table = tree
        for name in key[:-1]:
            table = table.setdefault(name, {})
        if entry.value == {}:
            table.setdefault(key[-1], {})
        else:
            table[key[-1]] = entry.value
    return tree


# -- saying what is wrong ------------------------------------------------------------------------


def _unknown(given: Mapping[Key, Given], known: Mapping[Key, Any]) -> list[Problem]:
    """Keys that are no setting, and values where a table is expected."""
    tables = {key[:n] for key in known for n in range(1, len(key))}
    names = [".".join(key) for key in known]
    problems = []
    for key, entry in given.items():
        name = ".".join(key)
        if key in tables and entry.value != {}:
            inner = ", ".join(n for n in names if n.startswith(f"{name}."))
            problems.append(Problem(key, entry.where, f"{name} is a table; set {inner}"))
        elif key not in known and key not in tables:
            words = f"there is no setting {name!r}{hint(name, names)}"
            problems.append(Problem(key, entry.where, words))
    return problems


def _explain(error: ValidationError, given: Mapping[Key, Given]) -> list[Problem]:
    problems = []
    for found in error.errors(include_input=False):
        cause = found.get("ctx", {}).get("error")
        if isinstance(cause, ContradictionsError):
            problems += [_problem(tuple(n.split(".")), words, given) for n, words in cause.found]
            continue
        if found["type"] == "default_factory_not_called":  # follows from another problem here
            continue
        key = tuple(part for part in found["loc"] if isinstance(part, str))
        words = "is missing" if found["type"] == "missing" else found["msg"]
        problems.append(_problem(key, words.removeprefix("Value error, "), given))
    return problems


def _problem(key: Key, words: str, given: Mapping[Key, Given]) -> Problem:
    """`words` about `key`, placed where it was set, or else where its table was."""
    name = ".".join(key)
    around: Iterable[Key] = (k for k in given if len(key) > 1 and k[0] == key[0])
    place = key if key in given else next(iter(around), None)
    return Problem(key, given[place].where if place else "settings", f"{name}: {words}")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value)) or "–"
        case _:
            return str(value)
