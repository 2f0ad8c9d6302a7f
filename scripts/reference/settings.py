"""docs/reference/settings.md: every setting, its default, its variable and its flag."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel

from mainstay.foundation.settings import FILE_NAME, Settings
from mainstay.foundation.settings import values as known
from mainstay.foundation.settings.layers import NOT_SETTINGS, PREFIX, from_defaults
from mainstay.running import serve
from reference.kinds import bounds, default, kind
from reference.markdown import code, fenced, field_words, joined, plain, table

INTRO = f"""# Settings

How one install runs. What you support stands in the [estate](estate.md) and not here. Four layers,
each over the one before: the defaults, a TOML file, the environment, the flags of `mainstay serve`.
`mainstay doctor` prints every value that is in force, where it comes from, and what is not as it
should be; every mistake is told at once, with its place.

The file is the one that `--config` names, else `{PREFIX}CONFIG`, else `{FILE_NAME}` in the folder
where the command runs. A setting in a table is `MAINSTAY_TABLE__NAME` in the environment; lists
there are separated by commas, and an empty variable counts as not set. No setting holds a secret,
only where one is: `env:NAME`, or `file:/path` of a file that only its owner may read.

A table may be left out whole; *required* means: once it is there."""

EXAMPLE = """
data_dir = "/var/lib/mainstay"
estate = "/etc/mainstay/estate"
public_url = "https://mainstay.alpenpay.example"

[smtp]
host = "mail.alpenpay.example"
user = "mainstay"
password = "file:/etc/mainstay/smtp-password"
sender = "mainstay@alpenpay.example"

[egress]
allow = ["10.0.0.7:8080"]
"""
DATA_DIR = code(from_defaults({})["data_dir",].value)
GIVEN = {"data_dir": DATA_DIR, "public_url": "`http(s)://` and `listen`"}
"""Defaults that are computed."""
NAMED = (
    (known.HostPortText, "host:port"),
    (known.Url, "URL"),
    (known.Network, "address or network"),
    (known.SecretReference, "`env:NAME` or `file:/path`"),
    (known.UrlOrReference, "URL, or `env:NAME` or `file:/path`"),
    (known.MailAddress, "mail address"),
)
OTHERS = {
    "CONFIG": "Path of the settings file.",
    "URL": "The Mainstay that the command line talks to.",
    "TOKEN": "The API token that the command line shows.",
    "FAILPOINT": "Where to fail on purpose; for Mainstay's own tests.",
}
"""Variables that are no settings."""


def page(root: Path) -> str:
    """The whole page."""
    assert OTHERS.keys() == NOT_SETTINGS, "a variable that is no setting has no line"
    Settings.model_validate(tomllib.loads(EXAMPLE))
    sections = [_section(f"[{name}]", model, f"{name}.") for name, model in _tables(Settings)]
    others = [[code(PREFIX + name), words] for name, words in OTHERS.items()]
    return joined(
        INTRO, fenced(EXAMPLE.strip(), "toml"), _section("Outside of any table", Settings, ""), *sections,
        "## Other variables", table(["Variable", "Meaning"], others),
    )  # fmt: skip


def _section(title: str, model: type[BaseModel], before: str) -> str:
    hints, flags, rows = get_type_hints(model, include_extras=True), _flags(), []
    for name, field in model.model_fields.items():
        if _table(hints[name]) is not None:
            continue
        full = before + name
        words = kind(hints[name], _named) + bounds(field.metadata)
        variable = code(PREFIX + full.upper().replace(".", "__"))
        where = f"{variable} {code(flags[full])}" if full in flags else variable
        value = GIVEN.get(full) or default(field)
        rows.append([f'<a id="{full}"></a>`{name}`', words, value, where, field_words(model)[name]])
    words = plain(model.__doc__) if before else ""
    heads = ["Setting", "Value", "Default", "Variable and flag", "Meaning"]
    return joined(f"## {title}", words, table(heads, rows))


def _flags() -> dict[str, str]:
    """Setting → the flag of `serve` that sets it."""
    names = {"egress_allow": "egress.allow", "data": "data_dir"}
    return {names.get(str(one.name), str(one.name)): one.opts[0] for one in serve.params}


def _tables(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table, also those inside of tables, by its whole name."""
    for name, hint in get_type_hints(model, include_extras=True).items():
        inner = _table(hint)
        if inner is not None:
            yield before + name, inner
            yield from _tables(inner, f"{before}{name}.")


def _table(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _named(annotation: Any) -> str | None:
    return next((words for one, words in NAMED if annotation == one), None)
