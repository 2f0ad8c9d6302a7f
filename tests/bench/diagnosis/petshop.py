"""PetShop (Hardt et al., 2023): rank nodes, given where, in which metric and when it was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cases import Case, Outcome, ask, first_words, place_of


def cases(data: Path) -> Iterator[Case]:
    """Every issue of every traffic scenario."""
    root = data / "petshop" / "dataset"
    for file in sorted(root.glob("*/*/issue_*/target.json")):
        scenario = file.parts[-4]
        metric = json.loads(file.read_text())["target"]["metric"]
        both = ("low + high traffic",) if not scenario.startswith("temporal") else ()
        groups = (f"{scenario}, {metric}", *both, "all scenarios")
        name = "petshop/" + "/".join(file.parts[-4:-1])
        yield Case(name, groups, lambda file=file: _judge(file))


def _judge(file: Path) -> Outcome:
    label = json.loads(file.read_text())
    target, scenario = label["target"], file.parents[2]
    options = [
        "--at", str(target["timestamp"]),
        "--symptom", f"{target['node']},{target['metric']}",
        "--calls", str(scenario / "graph.csv"),
    ]  # fmt: skip
    if (scenario / "noissue").exists():
        options += ["--baseline", str(scenario / "noissue")]
    answer = ask(file.parent, *options)
    found = [one["where"] for one in answer["hypotheses"]]
    return Outcome(place_of(label["root_cause"]["node"], found), first_words(answer))
