"""What other systems watch, written as an estate of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from mainstay import estate
from mainstay.cli import show
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.estate.importers import IMPORTERS, Draft, Text
from mainstay.foundation.errors import Conflict, Invalid, NotFound

SIZE_MAX = 16 << 20
"""Bytes of one file to import."""
FILES_MAX = 1_000
SUFFIXES = {"nagios": (".cfg",), "icinga2": (".conf",)}
OTHERWISE = (".yaml", ".yml", ".json")
"""Which files of a folder are read."""
verbs = Verbs("importing")


@verbs.command("import")
@click.argument("system", type=click.Choice(sorted(IMPORTERS)))
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--to",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it there; else it is printed.",
)
@click.option(
    "--beside",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The estate that it will stand beside: what is declared there is not declared again.",
)
@at_desk
def import_(
    desk: Desk, system: str, paths: tuple[Path, ...], target: Path | None, beside: Path | None
) -> None:
    """What another system watches, as files of the estate; what it cannot say is a comment there.

    \b
    Example: mainstay import nagios /etc/nagios4/conf.d --beside estate --to estate/nagios.yaml
    """
    known = _known(beside) if beside is not None else {}
    draft = Draft(known)
    IMPORTERS[system](_files(paths, SUFFIXES.get(system, OTHERWISE)), draft)
    words = draft.yaml(origin=system)
    if target is None:
        desk.out.file.write(words)
    else:
        _write(target, words)
    report = draft.report() if target is None else f"{draft.report()} Written to {target}."
    if not desk.dump({"report": report, "carried": draft.carried_n, "left_out": draft.left_out_n}):
        click.echo(show.clean(report), err=True)


def _write(target: Path, words: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(words)
    except FileExistsError:
        raise Conflict(f"{target} is there already; nothing was written.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Invalid(f"Cannot write {target}: {reason}.") from None


def _known(folder: Path) -> Mapping[str, frozenset[str]]:
    """The ids that an estate declares. Invalid when it has an error."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    declared = estate.read(folder)
    names = ("teams", "people", "hosts", "services", "checks")
    return {name: frozenset(getattr(declared, name)) for name in names}


def _files(paths: tuple[Path, ...], suffixes: tuple[str, ...]) -> list[Text]:
    """Each file, and of a folder those that fit, in order of their paths."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                one for one in path.rglob("*") if one.suffix in suffixes and one.is_file()
            )
        else:
            found.append(path)
    if not found:
        raise NotFound(f"There is no {' or '.join(suffixes)} file in {paths[0]}.")
    if len(found) > FILES_MAX:
        raise Invalid(f"{len(found):,} files; at most {FILES_MAX:,} are read at once.")
    return [_text(path) for path in found]


def _text(path: Path) -> Text:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise Invalid(
            f"{path}:1: cannot read this file: {(error.strerror or str(error)).lower()}"
        ) from None
    if len(data) > SIZE_MAX:
        raise Invalid(f"{path}:1: larger than {SIZE_MAX >> 20} MiB; split it")
    try:
        return Text(str(path), data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{path}:{line}: this is not UTF-8 text") from None
