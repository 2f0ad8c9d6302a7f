"""`mainstay diagnose`: the likely cause of an incident, of a service's trouble, or out of a folder.

A folder needs no server; the other two are asked of the one that the command line knows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from mainstay import diagnosis
from mainstay.cli import show
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.diagnose import live
from mainstay.cli.diagnose.asked import About, about
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
@click.argument("typed", metavar="INCIDENT|SERVICE|FOLDER")
@click.option("--at", "at", metavar="TIME", help="When it began: 14:00, RFC 3339 or Unix seconds.")
@click.option("--until", metavar="TIME", help="When it ended, or where to stop looking.")
@click.option("--from", "begins", metavar="TIME", help="SERVICE: when its trouble began.")
@click.option("--to", "ends", metavar="TIME", help="SERVICE: when it ended; without it, now.")
@click.option("--confirm", type=int, metavar="N", help="INCIDENT: number N was the cause.")
@click.option("--rule-out", type=int, metavar="N", help="INCIDENT: number N was not the cause.")
@click.option("--symptom", metavar="WHERE[,METRIC]", default="", help="Where it was seen, in what.")
@click.option("--baseline", type=A_PATH, help="A file or folder of a time without the fault.")
@click.option("--calls", type=A_PATH, help="A table of who calls whom.")
@click.option("--git", "repository", type=A_PATH, help="A Git folder; else FOLDER, if it is one.")
@click.option("--between", metavar="OLD..NEW", help="Two releases: commits from one to the other.")
@click.option("--html", "html", type=A_PATH, help="Write the report as one HTML file, too.")
@at_desk
def diagnose(
    desk: Desk,
    typed: str,
    begins: str | None,
    ends: str | None,
    confirm: int | None,
    rule_out: int | None,
    at: str | None,
    until: str | None,
    symptom: str,
    baseline: Path | None,
    calls: Path | None,
    repository: Path | None,
    between: str | None,
    html: Path | None,
) -> None:
    """The likely cause of an incident, with what speaks for and against it.

    INCIDENT (INC-2041) and SERVICE are asked of the server, which reads what it is connected to.
    FOLDER holds what somebody sent: metrics, traces and logs as CSV or JSON lines, Kubernetes
    objects as YAML or JSON, commits and deployments. Subfolders named good and bad (or normal and
    incident) tell the times apart; otherwise --at does.

    \b
    Example: mainstay diagnose INC-2041
    """
    wanted = about(typed, has_window=bool(begins or ends))
    if (confirm is not None or rule_out is not None) and wanted.kind != "incident":
        raise Invalid("--confirm and --rule-out are for an incident, such as INC-2041.")
    if confirm is not None:
        return live.judge(desk, wanted.name, confirm, verdict="confirm")
    if rule_out is not None:
        return live.judge(desk, wanted.name, rule_out, verdict="rule-out")
    if wanted.kind != "folder":
        return _of_server(desk, wanted, begins, ends, html)
    folder = Path(wanted.name)
    where, _, measure = symptom.partition(",")
    ask = diagnosis.Ask(
        since=_time(desk, at),
        until=_time(desk, until),
        where=where.strip(),
        measure=measure.strip(),
        baseline=baseline,
        calls=calls,
    )
    if repository and not between:
        raise Invalid("Say between which releases: --between v1.4..v1.5.")
    material = diagnosis.read(folder, ask)
    if between:
        material = diagnosis.with_git(material, repository or folder, between)
    found = diagnosis.diagnose(material)
    if html:
        _write(html, diagnosis.as_html(found, title=folder.name))
    if not desk.dump(found.as_facts()):
        tell(desk, found)


def _of_server(
    desk: Desk, wanted: About, begins: str | None, ends: str | None, html: Path | None
) -> None:
    if wanted.kind == "incident":
        found = live.of_incident(desk, wanted.name)
    else:
        found = live.of_service(desk, wanted.name, begins, ends)
    if html:
        made = diagnosis.as_html(
            live.result_of(found), title=wanted.name, business=found["business"]
        )
        _write(html, made)
    if not desk.dump(found):
        live.tell_all(desk, found)


def _write(html: Path, text: str) -> None:
    try:
        html.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{html} cannot be written: {error.strerror}.") from None


def _time(desk: Desk, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (OverflowError, OSError):
        raise Invalid(f"{text} is not a time.") from None
    except ValueError:
        return show.when_given(text, now=desk.now(), zone=desk.zone)
