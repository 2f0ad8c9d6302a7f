"""RootCauseBench: the one commit that did it, or none. A wrong commit is a decoy, counted apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cases import Case, Outcome, ask, first_words


def cases(data: Path) -> Iterator[Case]:
    """Every incident, asked with the folder that a person would get."""
    root = data / "rcbench" / "datasets" / "rootcausebench"
    for label in sorted(root.glob("*/tests/ground_truth.json")):
        name = label.parents[1].name
        yield Case(f"rcbench/{name}", ("exact commit or none",), lambda f=label: _judge(f))


def _judge(label: Path) -> Outcome:
    wanted = json.loads(label.read_text())["root_cause_commit"]
    answer = ask(label.parents[1] / "environment" / "data")
    likely = [one for one in answer["hypotheses"] if one["verdict"] == "likely"]
    said = (likely[0]["detail"] or "none") if likely else "none"
    first = answer["sentence"][:110]
    decoy = " DECOY" if said not in (wanted, "none") else ""
    return Outcome(
        int(said == wanted), f"wanted {wanted[:8]}{decoy}; {first}; {first_words(answer)}"
    )
