"""docs/reference/estate.md: every collection, every field, every error code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from mainstay.estate import collections as parts
from mainstay.estate.collections import Estate, text
from mainstay.estate.reading.layout import SCHEMA_VERSION
from mainstay.estate.reading.problems import CODES
from mainstay.foundation import spans
from reference.kinds import alternatives, bounds, default, kind
from reference.markdown import anchor, code, fenced, field_words, joined, plain, table

INTRO = f"""# The estate

What you support, as YAML files in your own repository: services, teams, who is on call, whom to
page. Any `*.yaml` of the folder may hold any collection; the files together are the estate. One of
them says `mainstay: {SCHEMA_VERSION}`, the version of this language. `mainstay check` tells every
mistake at once, `mainstay plan` what would change and for whom, `mainstay apply` puts it in force;
`mainstay schema` lets your editor complete and check it. The [guide](../guide/05-your-estate.md) leads
through a first one; the examples here are those of `examples/alpenpay`."""

LONGEST = spans.duration_text(spans.DURATION_MAX)
WORDS: dict[str, tuple[Any, str]] = {
    "id": (text.Id, "Small letters, digits, `.`, `_`, `-`; at most 63, a letter or digit first: "
                    "`pay-db`. Everything is referred to by it, and a reference to nothing is an error."),
    "duration": (text.Duration, "Numbers with `s`, `m`, `h`, `d`, `w`: `90s`, `10m`, `1h30m`, `2d`. "
                                f"At most {LONGEST}."),
    "time of day": (text.WallClock, '`"22:30"`, 24 hours, in quotes.'),
    "day": (text.Day, f"`2026-12-24`, from {text.DAYS_FIRST} to {text.DAYS_LAST}."),
    "weekday": (text.Weekday, ""),
    "span of the day": (text.Span, '`"06:00-22:00"`; over midnight when the first is the later one.'),
    "where a secret is": (text.Reference, "`file:/path` (0600) or `env:NAME`; a secret itself never stands here."),
    "zone": (text.Zone, "A name of the time zone database: `Europe/Zurich`."),
    "target": (text.TargetText, "Whom to page: `person:ana`, `team:payops` (every member), "
                                "`schedule:payops-oncall` (whoever is on call then)."),
    "severity": (text.Severity, "Of an alert, the worst first:"),
    "priority": (text.Priority, "Of an incident, the highest first:"),
}  # fmt: skip
"""The small words of the language, and what a person must know to write one."""

EXAMPLES = {
    "calendars": ("ch-bank", "month-end"),
    "teams": ("payops",),
    "people": ("ana", "dee"),
    "sources": ("prometheus", "mainframe"),
    "schedules": ("payops-oncall",),
    "escalations": ("payments-p1", "data", "fallback"),
    "services": ("pay-api", "card-gw", "pay-db"),
}
"""Collection → which of its entries in the example to show; not named here: all."""

FAMILIES = {"E1": "The files and their layout", "E2": "References", "E3": "Values",
            "W4": "Warnings: they do not keep an estate from being applied"}  # fmt: skip


def page(root: Path) -> str:
    """The whole page."""
    fields = get_type_hints(Estate, include_extras=True)
    index = table(
        ["Collection", "What it declares"],
        [[f"[`{name}`]({anchor(name)})", field_words(Estate)[name]] for name in fields],
    )
    example = _Example(root / "examples" / "alpenpay")
    sections = [_collection(name, hint, example) for name, hint in fields.items()]
    return joined(INTRO, index, _small_words(), *sections, _codes())


def _small_words() -> str:
    rows = []
    for name, (annotation, words) in WORDS.items():
        if get_origin(annotation) is Literal:
            words = f"{words} {alternatives([code(word) for word in get_args(annotation)])}."
        rows.append([f'<a id="{_id(name)}"></a>{name}', words])
    return joined("## How values are written", table(["Word", "How"], rows))


def _id(name: str) -> str:
    return name.replace(" ", "-")


def _collection(name: str, annotation: Any, example: _Example) -> str:
    first = next(iter(_models(annotation)), None)
    shown = [f"## {name}", plain(first.__doc__) if first else field_words(Estate)[name]]
    if first is None:
        default_rows = [[code(tier), *(code(p) for p in row.values())] for tier, row in
                        parts.DEFAULT_PRIORITIES.items()]  # fmt: skip
        heads = ["Tier of the service", *get_args(text.Severity)]
        shown += ["What a table leaves out is as here:", table(heads, default_rows)]
    shown.append(fenced(example.of(name), "yaml"))
    if first is not None:
        shown += [_fields(first), *(_part(model) for model in _below(first))]
    return joined(*shown)


def _part(model: type[BaseModel]) -> str:
    return joined(f"### {model.__name__}", plain(model.__doc__), _fields(model))


def _fields(model: type[BaseModel]) -> str:
    hints, rows = get_type_hints(model, include_extras=True), []
    for name, field in model.model_fields.items():
        words = kind(hints[name], _named) + bounds(field.metadata)
        rows.append([code(field.alias or name), words, default(field), field_words(model)[name]])
    return table(["Key", "Value", "Default", "Meaning"], rows)


def _named(annotation: Any) -> str | None:
    for name, (known, _) in WORDS.items():
        if annotation == known:
            return f"[{name}](#{_id(name)})"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}]({anchor(annotation.__name__)})"
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _below(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The parts of a part, in reading order, each once."""
    found: dict[type[BaseModel], None] = {}
    for annotation in get_type_hints(model, include_extras=True).values():
        for one in _models(annotation):
            found |= dict.fromkeys([one, *_below(one)])
    return list(found)


def _codes() -> str:
    shown = ["## Error codes", "`mainstay check` prints `path:line:col: code message`. A code keeps "
             "its meaning for ever."]  # fmt: skip
    for family, title in FAMILIES.items():
        rows = [[code(name), words] for name, words in CODES.items() if name.startswith(family)]
        shown += [f"### {title}", table(["Code", "Meaning"], rows)]
    assert {name[:2] for name in CODES} == FAMILIES.keys(), "a family of codes has no title"
    return joined(*shown)


class _Example:
    """The example estate as text, so that its comments and its layout stay."""

    def __init__(self, folder: Path) -> None:
        texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.yaml"))]
        self._lines = [line for text in texts for line in text.splitlines()]

    def of(self, collection: str) -> str:
        """A collection with the entries that `EXAMPLES` wants."""
        start = self._lines.index(f"{collection}:")
        block = []
        for line in self._lines[start + 1 :]:
            if line and not line.startswith(" "):
                break
            block.append(line)
        wanted = EXAMPLES.get(collection)
        chosen = [line for name in wanted for line in _entry(block, name)] if wanted else block
        return "\n".join([f"{collection}:", *chosen])


def _entry(block: list[str], name: str) -> list[str]:
    start = next(n for n, line in enumerate(block) if line.startswith(f"  {name}:"))
    rest = block[start + 1 :]
    end = next((n for n, line in enumerate(rest) if not re.match(r"   ", line)), len(rest))
    return block[start : start + 1 + end]
