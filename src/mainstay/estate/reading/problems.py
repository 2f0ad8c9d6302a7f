"""What can be wrong with an estate, where, and the one table of codes (the reference is made of it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint

_COMPARED_MAX = 80
"""Characters of a name; comparing takes time that grows with their square."""
CODES = {
    # E1: the files and their layout
    "E101": "A file or folder cannot be read.",
    "E102": "A file is larger than 1 MiB.",
    "E103": "A file is not plain UTF-8 text.",
    "E104": "A file is not YAML.",
    "E105": "A tab indents a line.",
    "E106": "Anchors, aliases, merge keys, tags, or a second document in a file.",
    "E107": "Nested more than 64 levels deep.",
    "E108": "A key stands twice in one mapping.",
    "E109": "An id is declared twice.",
    "E110": "No such collection.",
    "E111": "A file or a collection has the wrong shape.",
    "E112": "The schema version is missing, unknown, or not the same everywhere.",
    "E113": "The folder holds no estate.",
    "E114": "An unknown key.",
    "E115": "A key is missing.",
    # E2: references
    "E201": "No such person.",
    "E202": "No such team.",
    "E203": "No such schedule.",
    "E204": "No such service.",
    "E205": "No such escalation.",
    "E206": "No such calendar.",
    "E207": "No such source.",
    "E208": "Services, calendars or checks depend on themselves in a circle.",
    "E209": "There is no fallback escalation.",
    "E210": "The last route has a condition, or no fixed service.",
    "E211": "A layer in which nobody can ever be on call.",
    "E212": "No such host, or no host with this tag.",
    "E213": "No such check.",
    # E3: values
    "E301": "Another kind of value is expected.",
    "E302": "Not one of the words that are allowed here.",
    "E303": "A number is out of range.",
    "E304": "An id is not well formed.",
    "E305": "A value cannot be read (a duration, a time, a day, a zone, a target).",
    "E306": "A list is empty.",
    "E307": "The handover does not fit the rotation.",
    "E308": "Not a regular expression in RE2's syntax.",
    "E309": "Not a JSON path, or not a condition on one.",
    "E310": "A map is missing, or stands where it has no use.",
    "E311": "A span ends before it begins.",
    "E312": "A step comes earlier than the step before it.",
    "E313": "A calendar rule, country or market that is not known.",
    "E314": "A route's target is not service:ID.",
    "E315": "A condition that cannot be read, or that asks for what is not measured.",
    "E316": "Not a schedule that can be read.",
    "E317": "A check whose parts do not fit each other.",
    "E330": "A search or a journey whose parts do not fit each other.",
    "E318": "A telemetry source or a rule for blanking whose parts do not fit each other.",
    # W4: warnings
    "E320": "A schedule that must not leaves times uncovered.",
    "W401": "A service has no owner.",
    "W402": "A service has no tier.",
    "W403": "A route can never match.",
    "W404": "A turn that can never come.",
    "W405": "A layer whose people have all left.",
    "W406": "A schedule leaves times uncovered.",
}
"""Code → what it stands for. Stable: a code is never used again for something else."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    path: str
    line: int
    col: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `str()` is `path:line:col: code message`."""

    path: str
    line: int
    col: int
    code: str
    message: str

    @property
    def level(self) -> Literal["error", "warning"]:
        """A warning does not keep the estate from being applied."""
        return "warning" if self.code.startswith("W") else "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.col}: {self.code} {self.message}"

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "path": self.path,
            "line": self.line,
            "col": self.col,
            "code": self.code,
            "level": self.level,
            "message": self.message,
        }


class BadEstate(Invalid):
    """The files do not make an estate. `problems` holds every error and warning, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = sum(problem.level == "error" for problem in problems)
        lines = "\n".join(map(str, problems))
        noun = "error" if errors == 1 else "errors"
        super().__init__(
            f"The estate has {errors} {noun}; nothing was changed.\n{lines}",
            problems=[problem.as_facts() for problem in problems],
        )
        self.problems = tuple(problems)


def problem(at: Mark, code: str, message: str) -> Problem:
    """A Problem at a mark."""
    assert code in CODES, code
    return Problem(at.path, at.line, at.col, code, message)


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)` with the nearest of `names`, or nothing when none is near."""
    return hint(name[:_COMPARED_MAX], names)


def shown(value: object) -> str:
    """A value as a person may recognise it: one line, at most 60 characters."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "…")
    return str(value)[:60]
