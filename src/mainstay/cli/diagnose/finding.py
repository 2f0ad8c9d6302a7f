"""`mainstay find`: one item across services, and where it stopped."""

from __future__ import annotations

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.desk import Desk, Verb, at_desk
from mainstay.foundation.clock import to_text

TIMEOUT_S = 60.0


@click.command(cls=Verb)
@click.argument("id_", metavar="ID")
@click.option("--since", metavar="TIME", help="From then on; else the last day.")
@click.option("--until", metavar="TIME", help="Up to then; else now.")
@at_desk
def find(desk: Desk, id_: str, since: str | None, until: str | None) -> None:
    """Where is this payment, order or account? Its traces across services, and where it stopped.

    Each service declares where it leaves traces (`find:` in the estate). Who looked for what stands
    in the record.

    \b
    Example: mainstay find PAY-10023
    """
    body = {"id": id_} | {
        key: to_text(desk.time(text))
        for key, text in (("since", since), ("until", until)) if text is not None
    }  # fmt: skip
    found = desk.client(timeout_s=TIMEOUT_S).post("/find", body)
    if desk.dump(found):
        return
    desk.say(found["sentence"], "bold")
    if found["seen"]:
        cells: list[list[show.Cell]] = [
            [desk.look.when(one["at"]) if one["at"] else Text("–", "dim"),
             show.clean(one["service"]), show.clean(one["what"]), Text(show.clean(one["source"]), "dim")]
            for one in found["seen"]
        ]  # fmt: skip
        show.table(desk.out, ["when", "service", "what", "source"], cells)
    for note in found["notes"]:
        desk.out.print(Text(f"Not read: {show.clean(note)}", "yellow"))
