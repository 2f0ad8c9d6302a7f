"""`mainstay diagnose`: the likely cause out of a folder of files; needs no server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from mainstay import diagnosis
from mainstay.cli import show
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.diagnose.finding import find
from mainstay.cli.diagnose.report import tell
from mainstay.foundation.errors import Invalid

verbs = Verbs("diagnose")
A_PATH = click.Path(path_type=Path)


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(diagnose)
    group.add_command(find)


@verbs.command()
@click.argument("folder", metavar="FOLDER", type=A_PATH)
@click.option("--at", "at", metavar="TIME", help="When it began: 14:00, RFC 3339 or Unix seconds.")
@click.option("--until", metavar="TIME", help="When it ended, or where to stop looking.")
@click.option("--symptom", metavar="WHERE[,METRIC]", default="", help="Where it was seen, in what.")
@click.option("--baseline", type=A_PATH, help="A file or folder of a time without the fault.")
@click.option("--calls", type=A_PATH, help="A table of who calls whom.")
@click.option("--html", "html", type=A_PATH, help="Write the report as one HTML file, too.")
@at_desk
def diagnose(
    desk: Desk,
    folder: Path,
    at: str | None,
    until: str | None,
    symptom: str,
    baseline: Path | None,
    calls: Path | None,
    html: Path | None,
) -> None:
    """The likely cause of an incident, with what speaks for and against it.

    FOLDER holds what somebody sent: metrics, traces and logs as CSV or JSON lines, Kubernetes
    objects as YAML or JSON, commits and deployments. Subfolders named good and bad (or normal and
    incident) tell the times apart; otherwise --at does.

    \b
    Example: mainstay diagnose incident/ --at 2026-11-24T09:40Z --symptom shop,latency
    """
    where, _, measure = symptom.partition(",")
    ask = diagnosis.Ask(
        since=_time(desk, at),
        until=_time(desk, until),
        where=where.strip(),
        measure=measure.strip(),
        baseline=baseline,
        calls=calls,
    )
    found = diagnosis.diagnose(diagnosis.read(folder, ask))
    if html:
        try:
            html.write_text(diagnosis.as_html(found, title=folder.name), encoding="utf-8")
        except OSError as error:
            raise Invalid(f"{html} cannot be written: {error.strerror}.") from None
    if not desk.dump(found.as_facts()):
        tell(desk, found)


def _time(desk: Desk, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (OverflowError, OSError):
        raise Invalid(f"{text} is not a time.") from None
    except ValueError:
        return show.when_given(text, now=desk.now(), zone=desk.zone)
