"""How each service stands, from the terminal."""

from __future__ import annotations

import click

from mainstay.cli import show
from mainstay.cli.client import part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.cli.duty.day import state
from mainstay.cli.watch.past import stretches

verbs = Verbs("health")


def register(group: click.Group) -> None:
    """Add this command to the program's."""
    group.add_command(health)


@verbs.command()
@click.argument("service", required=False)
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Looked back."
)
@click.option(
    "--by", type=click.Choice(["day", "week", "month"]), help="What its checks saw in each."
)
@at_desk
def health(desk: Desk, service: str | None, days: int, by: str | None) -> None:
    """How every service stands and why; of SERVICE also how it stood.

    \b
    Example: mainstay health pay-db
    """
    client = desk.client()
    if service is None:
        desk.rows(
            client.items("/services"),
            {
                "service": lambda one: show.clean(one["service"]),
                "state": lambda one: state(one["state"]),
                "why": lambda one: show.clean(one["sentence"]),
            },
            empty="The estate declares no service.",
        )
        return
    found = client.get(f"/services/{part(service)}/health", days=days)
    if by is not None:
        path = f"/services/{part(service)}/availability"
        found["checks"] = client.get(path, days=days, by=by)["items"]
    if desk.dump(found):
        return
    desk.say(f"{found['service']} is {found['state']}. {found['sentence']}")
    share = 100 * found["availability"]
    desk.say(f"{share:.3f} % of the last {days} days without an incident that stopped it.")
    for one in found["down"]:
        desk.say(f"  {desk.look.when(one['start'])} {one['incident']} {one['title']}")
    if by is not None:
        stretches(desk, found["checks"])
