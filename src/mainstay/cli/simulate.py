"""`mainstay simulate`: what production says around a fault, as a folder; needs no server."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mainstay import simulation
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.foundation.errors import Invalid

verbs = Verbs("simulate")
A_PATH = click.Path(path_type=Path)
SEED_MAX = 2**63 - 1


def register(group: click.Group) -> None:
    """Add this command to the program's."""
    group.add_command(simulate)


@verbs.command()
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="What goes wrong; several together."
)
@click.option(
    "--seed",
    type=click.IntRange(0, SEED_MAX),
    default=1,
    show_default=True,
    help="The same seed, the same folder.",
)
@click.option("--to", "folder", type=A_PATH, metavar="FOLDER", help="Where to write; new or empty.")
@click.option(
    "--truth", type=A_PATH, metavar="FILE", help="Write what was played, outside the folder."
)
@click.option("--list", "listed", is_flag=True, help="The faults, each in a sentence.")
@at_desk
def simulate(
    desk: Desk,
    faults: tuple[str, ...],
    seed: int,
    folder: Path | None,
    truth: Path | None,
    listed: bool,
) -> None:
    """What the production of the example estate says around a fault.

    Metrics, logs, observations and changes go into FOLDER, in a good and a bad part, with noise, and
    with what is odd and harmless. Without a fault it is an ordinary day. The seed decides where,
    when, how badly, and through which evidence it can be seen.

    \b
    Example: mainstay simulate --fault blocked-session --seed 7 --to night && mainstay diagnose night
    """
    if listed:
        _list(desk)
        return
    if folder is None:
        raise Invalid("Say where to write: --to FOLDER; or --list for the faults.")
    if truth and folder.resolve() in truth.resolve().parents:
        raise Invalid(f"{truth} lies in {folder}: the truth must not be among the evidence.")
    scene = simulation.play(faults, seed=seed)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Invalid(f"{folder} is not empty; say another, or remove it.")
        simulation.write(scene, folder)
        if truth:
            truth.write_text(json.dumps(simulation.truth(scene), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{error.filename or folder} cannot be written: {error.strerror}.") from None
    if not desk.dump({"folder": str(folder), "seed": seed, "since": scene.since.isoformat()}):
        desk.say(f"Written to {folder}. Next: mainstay diagnose {folder}")


def _list(desk: Desk) -> None:
    rows = {name: simulation.sentence(name) for name in simulation.FAULTS}
    if not desk.dump(rows):
        for name, sentence in rows.items():
            desk.say(f"{name:<24}{sentence}")
