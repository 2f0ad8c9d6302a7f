"""The commands themselves: search, histogram, templates, diff, tail, stats."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.logs import drawing
from mainstay.cli.logs.asked import FILES, LEVELS, Asked, asked, question, time_given, zone_named
from mainstay.cli.logs.facts import difference_facts, event_facts, one_line, template_facts
from mainstay.foundation.clock import text_of_us, to_us
from mainstay.foundation.errors import Invalid
from mainstay.foundation.spans import duration
from mainstay.telemetry import files
from mainstay.telemetry.files import Follow, Survey
from mainstay.telemetry.logs import (
    RANK,
    Event,
    Layouts,
    Lines,
    diff,
    each_alone,
    events,
)

LIMIT = click.option("--limit", type=click.IntRange(1, 1_000_000), help="How many at most.")
FOLLOW_S = 0.25
"""How often a file that grows is looked at."""
CHUNK = 4_096
"""Lines handed on together once some were sifted out."""


@click.group(cls=Verbs)
def logs() -> None:
    """Log files searched, counted, understood and compared; needs no server.

    \b
    Reads plain files, gzip, folders and what is piped in, in any common layout.
    Example: mainstay logs diff --good yesterday.log --bad today.log
    """


@logs.command()
@click.argument("text")
@FILES
@click.option("--regex", is_flag=True, help="TEXT is a pattern (RE2).")
@click.option("-i", "--ignore-case", is_flag=True, help="Whatever the case.")
@click.option("-c", "--count", is_flag=True, help="Only how many lines, for each file.")
@LIMIT
@question
@at_desk
def search(
    desk: Desk, text: str, paths: tuple[str, ...], regex: bool, ignore_case: bool, count: bool,
    limit: int | None, **given: Any,
) -> None:  # fmt: skip
    """Lines with a text; "" for any. A trace comes with its line. --json: one object a line.

    \b
    Example: mainstay logs search timeout /var/log/shop --level error --since 14:00
    """
    words: dict[str, Any] = {"pattern": text} if regex else {"text": text.encode()}
    work = asked(desk, paths, given, ignore_case=ignore_case, **words)
    if count:
        return _tell_counts(work)
    left = limit or -1
    many = len(work.paths) > 1
    for path, file in work.opened():
        reader = work.reader()
        if not left:
            break
        for line in files.hits(path, file, work.query, reader, work.reading):
            _tell_line(desk, path if many else "", line, reader)
            left -= 1
            if not left:
                click.echo(f"mainstay: Stopped after {limit} lines (--limit).", err=True)
                break


def _tell_line(desk: Desk, path: str, line: bytes, reader: Layouts) -> None:
    """One line found: as it stands, or read, as JSON."""
    text = line.decode("utf-8", "replace")
    colours = desk.out.color_system is not None
    (event,) = each_alone([line], reader) if desk.json or colours else (None,)
    if desk.json:
        facts = {"file": path} if path else {}
        desk.out.file.write(one_line(facts | event_facts(event or Event(text))))
    else:
        begin = f"{show.clean(path)}: " if path else ""
        level = event.level if event else ""
        desk.out.file.write(f"{begin}{drawing.line(desk.out, text, level)}\n")


def _tell_counts(work: Asked) -> None:
    counts = {
        path: files.count(path, file, work.query, work.reader(), work.reading)
        for path, file in work.opened()
    }
    if work.desk.dump({"items": [{"file": path, "lines": n} for path, n in counts.items()]}):
        return
    for path, n in counts.items():
        work.desk.say(f"{path}: {n}" if len(counts) > 1 else n)


@logs.command()
@FILES
@click.option("--step", metavar="5m", help="Width of a bar; else about forty bars.")
@question
@at_desk
def histogram(desk: Desk, paths: tuple[str, ...], step: str | None, **given: Any) -> None:
    """How many events when, by level.

    \b
    Example: mainstay logs histogram /var/log/shop --step 5m
    """
    work = asked(desk, paths, given)
    survey = _survey(work)
    width, found = survey.histogram(_seconds(step), 40)
    rows = [
        {"at": text_of_us(at * 1_000_000), "events": n.total(),
         "levels": {one or "none": many for one, many in n.items()}}
        for at, n in found.items()
    ]  # fmt: skip
    if desk.dump({"step_s": width, "undated": survey.undated, "items": rows}):
        return
    if not found:
        return desk.say("No line has a time.")
    longest = max(n.total() for n in found.values())
    cells: list[list[show.Cell]] = [
        [drawing.second(at, work.zone), f"{n.total():,}", drawing.bar(n, longest)]
        for at, n in found.items()
    ]
    show.table(desk.out, ["from", "events", f"each {show.span(timedelta(seconds=width))}"], cells)
    if survey.undated:
        desk.say(f"{survey.undated:,} lines without a time are not in it.")


@logs.command()
@FILES
@LIMIT
@question
@at_desk
def templates(desk: Desk, paths: tuple[str, ...], limit: int | None, **given: Any) -> None:
    """Which kinds of messages there are; <*> stands for values.

    \b
    Example: mainstay logs templates /var/log/shop --level warning
    """
    work = asked(desk, paths, given)
    reader = work.reader()
    lines = Lines(lambda some: each_alone(some, reader))
    for block in _blocks(work):
        lines.add(block)
    lines.fold()
    found = lines.templates.found()
    shown = found[: limit or (len(found) if desk.json else 50)]
    facts = [template_facts(one) for one in shown]
    if desk.dump({"lines": lines.lines, "templates": len(found), "items": facts}):
        return
    total = max(sum(one.count for one in found), 1)
    cells: list[list[show.Cell]] = [
        [f"{one.count:,}", f"{one.count / total:.1%}", show.state(one.level or "–"),
         Text(show.clean(one.text), drawing.STYLES[one.level])]
        for one in shown
    ]  # fmt: skip
    show.table(desk.out, ["count", "share", "level", "template"], cells)
    more = (
        f", {len(found) - len(shown):,} more not shown (--limit)" if len(shown) < len(found) else ""
    )
    desk.say(f"{lines.lines:,} lines, {len(found):,} templates{more}.")


@logs.command("diff")
@FILES
@click.option(
    "--good",
    "good",
    metavar="FILE|FROM..TO",
    multiple=True,
    required=True,
    help="When it was well: files, or a stretch of FILE.",
)
@click.option(
    "--bad", "bad", metavar="FILE|FROM..TO", multiple=True, required=True, help="When it was not."
)
@LIMIT
@click.option("--level", type=LEVELS, help="Templates at least so bad.")
@click.option("--zone", metavar="ZONE", help="Zone of stamps that name none; else --utc's.")
@at_desk
def compare(
    desk: Desk, paths: tuple[str, ...], good: tuple[str, ...], bad: tuple[str, ...],
    limit: int | None, level: str | None, zone: str | None,
) -> None:  # fmt: skip
    """What differs between a good and a bad time: new, gone, more, fewer, slower, changed.

    \b
    Example: mainstay logs diff --good 10:00..11:00 --bad 12:00..12:20 shop.log
    """
    before, after = (_side(desk, paths, one, {"zone": zone}) for one in (good, bad))
    per = _exposure(desk, paths, good, bad, zone)
    found = diff(_events(before), _events(after), per=per)
    if level:
        found = [one for one in found if RANK[one.level] >= RANK[level]]  # type: ignore[index]
    shown = found[: limit or (len(found) if desk.json else 30)]
    if desk.dump({"differences": len(found), "items": [difference_facts(one) for one in shown]}):
        return
    if not found:
        return desk.say("Nothing differs beyond chance.")
    cells: list[list[show.Cell]] = [
        [Text(one.kind, drawing.KIND_STYLES[one.kind]), f"{one.good:,} → {one.bad:,}",
         show.state(one.level or "–"),
         Text.assemble((show.clean(one.text), drawing.STYLES[one.level]), ("  " + show.clean(one.because), "dim"))]
        for one in shown
    ]  # fmt: skip
    show.table(desk.out, ["what", "good → bad", "level", "template"], cells)
    if len(shown) < len(found):
        desk.say(f"{len(found) - len(shown):,} more not shown (--limit).")


def _side(
    desk: Desk, paths: tuple[str, ...], named: tuple[str, ...], given: dict[str, Any]
) -> Asked:
    """One side of a comparison: files, or a stretch of time of the files that both share."""
    if not paths:
        return asked(desk, named, given)
    if len(named) != 1 or ".." not in named[0]:
        raise Invalid("With FILE given, --good and --bad are stretches of it: 10:00..11:00.")
    since, until = named[0].split("..", 1)
    return asked(desk, paths, {**given, "since": since, "until": until})


def _exposure(
    desk: Desk,
    paths: tuple[str, ...],
    good: tuple[str, ...],
    bad: tuple[str, ...],
    zone: str | None,
) -> float | None:
    """How much longer the bad stretch is, if stretches were asked for; else the stamps decide."""
    if not paths:
        return None
    spans = []
    for named in (good, bad):
        ends = [
            to_us(time_given(desk, one, zone_named(desk, zone))) for one in named[0].split("..", 1)
        ]
        spans.append(ends[1] - ends[0])
    if min(spans) <= 0:
        raise Invalid("A stretch ends after it begins: 10:00..11:00.")
    return spans[1] / spans[0]


@logs.command()
@FILES
@click.option(
    "-n",
    "--lines",
    "last",
    type=click.IntRange(0, 100_000),
    default=10,
    show_default=True,
    help="Lines to begin with.",
)
@click.option("--level", type=LEVELS, help="Lines at least so bad.")
@click.option("--once", is_flag=True, help="Do not wait for more.")
@at_desk
def tail(desk: Desk, paths: tuple[str, ...], last: int, level: str | None, once: bool) -> None:
    """What is being written, as it comes, over rotation; Ctrl-C ends it. --json: one object a line.

    \b
    Example: mainstay logs tail /var/log/shop/shop.log --level warning
    """
    work = asked(desk, paths, {"level": level})
    if files.STDIN in work.paths:
        raise Invalid("Name files to follow; what is piped in goes to mainstay logs search.")
    followed = [(path, Follow(Path(path)), work.reader()) for path in work.paths]
    try:
        for path, follow, reader in followed:
            begun = (
                follow.new()
            )  # from the end on; so the lines before it are those up to its offset
            _tell_new(work, path, _last_lines(path, follow.offset or 0, last) + begun, reader)
        while not once:
            heard = [
                _tell_new(work, path, follow.new(), reader) for path, follow, reader in followed
            ]
            if not any(heard):
                time.sleep(FOLLOW_S)
    finally:
        for _, follow, _ in followed:
            follow.close()


def _last_lines(path: str, end: int, last: int) -> list[bytes]:
    """The last lines of a file before a place in it; of what lies further back than a MiB, none."""
    if not last:
        return []
    begin = max(0, end - (1 << 20))
    with open(path, "rb") as file:  # noqa: PTH123 (beside its sibling in asked)
        file.seek(begin)
        found = file.read(end - begin).split(b"\n")
    return found[1 if begin else 0 : -1][-last:]


def _tell_new(work: Asked, path: str, lines: list[bytes], reader: Layouts) -> bool:
    """Tell lines that are bad enough; whether there were any."""
    passed = not work.query.level
    for line, event in zip(lines, each_alone(lines, reader), strict=True):
        if event is not None:
            passed = RANK[event.level] >= RANK[work.query.level]
        if passed and line:
            _tell_line(work.desk, path if len(work.paths) > 1 else "", line, reader)
    if lines:
        work.desk.out.file.flush()
    return bool(lines)


@logs.command()
@FILES
@question
@at_desk
def stats(desk: Desk, paths: tuple[str, ...], **given: Any) -> None:
    """A log at a glance: how much, from when to when, of which level, from whom, where it is silent.

    \b
    Example: mainstay logs stats /var/log/shop
    """
    work = asked(desk, paths, given)
    survey = _survey(work)
    top = survey.sources.most_common(10)
    facts = {
        "files": len(work.paths), "bytes": work.reading.bytes_read, "lines": survey.lines,
        "events": survey.events,
        "first": text_of_us(survey.first_s and survey.first_s * 1_000_000),
        "last": text_of_us(survey.last_s and survey.last_s * 1_000_000),
        "levels": {one or "none": n for one, n in survey.levels.items()},
        "sources": dict(top), "undated": survey.undated, "backwards": survey.backwards,
        "gaps": [{"at": text_of_us(at * 1_000_000), "seconds": n} for at, n in survey.gaps()],
        "notes": dict(work.reading.notes),
    }  # fmt: skip
    if desk.dump(facts):
        return
    rows: list[tuple[str, str]] = [
        (
            "lines",
            f"{survey.lines:,} in {len(work.paths)} file(s), {work.reading.bytes_read:,} bytes",
        ),
        (
            "events",
            f"{survey.events:,}; further lines of an event: {survey.lines - survey.events:,}",
        ),
        ("levels", drawing.by_level(survey.levels)),
        ("sources", ", ".join(f"{show.clean(one)} {n:,}" for one, n in top) or "none named"),
    ]
    if survey.first_s is not None and survey.last_s is not None:
        ends = [drawing.second(at, work.zone) for at in (survey.first_s, survey.last_s)]
        length = show.span(timedelta(seconds=survey.last_s - survey.first_s))
        rows.insert(0, ("time", f"{ends[0]} to {ends[1]} ({length})"))
    silences = [
        f"{show.span(timedelta(seconds=n))} from {drawing.second(at, work.zone)}"
        for at, n in survey.gaps()
    ]
    rows += [("silent", "; ".join(silences))] if silences else []
    rows += [("no time", f"{survey.undated:,} lines")] if survey.undated else []
    rows += (
        [("backwards", f"{survey.backwards:,} lines are older than one before them")]
        if survey.backwards
        else []
    )
    show.pairs(desk.out, rows)


# -- what they share -------------------------------------------------------------------------------


def _blocks(work: Asked) -> Iterator[bytes]:
    """Whole lines of all files that are meant, in blocks."""
    everything = not work.query.level and not work.query.asks_for_time
    for path, file in work.opened():
        if everything:
            yield from files.blocks(path, file, work.reading)
        else:
            yield from _chunks(files.hits(path, file, work.query, work.reader(), work.reading))


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) >= CHUNK:
            yield b"\n".join(chunk) + b"\n"
            chunk = []
    if chunk:
        yield b"\n".join(chunk) + b"\n"


def _events(work: Asked) -> Iterator[Event]:
    for path, file in work.opened():
        lines = files.hits(path, file, work.query, work.reader(), work.reading)
        yield from events(lines, zone=work.zone, now=work.desk.now())


def _survey(work: Asked) -> Survey:
    survey = Survey(work.reader())
    for block in _blocks(work):
        survey.add(block)
    return survey


def _seconds(step: str | None) -> int | None:
    if step is None:
        return None
    try:
        found = int(duration(step).total_seconds())
    except ValueError as error:
        raise Invalid(f"--step: {error}.") from None
    if found < 1:
        raise Invalid("--step is a second or more.")
    return found
