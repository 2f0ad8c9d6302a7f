"""Cloud-OpsBench: category, object and root cause of a Kubernetes fault, all three right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cases import Case, Outcome, ask, class_said, first_words, place_of

OURS = {
    "database-invalid-credentials": "mysql_invalid_credentials",
    "database-invalid-port": "mysql_invalid_port",
    "database-read-only": "db_read_only",
    "database-connections-exhausted": "db_connection_exhaustion",
}
"""Kinds whose names differ from the protocol's."""
SYSTEM = ("_unavailable", "oom_killed", "_overload")
NETWORK = ("network", "dns")
"""Parts of root causes by class; every other fault of this set is made by a configuration."""


def cases(data: Path) -> Iterator[Case]:
    """Every recorded fault, by system and by category."""
    for file in sorted((data / "cloudops" / "benchmark").glob("*/*/*/metadata.json")):
        system, category = file.parts[-4], file.parts[-3]
        groups = (system, f"category {category}")
        yield Case("cloudops/" + "/".join(file.parts[-4:-1]), groups, lambda f=file: _judge(f))


def _judge(file: Path) -> Outcome:
    label = json.loads(file.read_text())["result"]
    answer = ask(file.parent / "tool_cache.json")
    found = [
        (one["where"], OURS.get(one["kind"], one["kind"].replace("-", "_")))
        for one in answer["hypotheses"]
    ]
    wanted = (label["fault_object"].removeprefix("app/"), label["root_cause"])
    classes = (class_of(label["root_cause"]), class_said(answer))
    return Outcome(place_of(wanted, found), f"wanted {wanted}; {first_words(answer)}", classes)


def class_of(root_cause: str) -> str:
    """The class of a labelled root cause."""
    if any(word in root_cause for word in NETWORK):
        return "network"
    return "system failure" if any(word in root_cause for word in SYSTEM) else "configuration"
