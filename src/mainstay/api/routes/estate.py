"""The estate in force, its versions, and what applying another one would mean."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from mainstay import estate, web
from mainstay.acts.commands import Apply
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Listed, Sentence
from mainstay.estate import BadEstate, Estate
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid, NotFound

PROBLEMS_MAX = 100
"""Problems of a bad estate in one answer."""


class Version(BaseModel):
    """One version of the estate: who applied it, and the SHA-256 of its canonical JSON."""

    version: int
    at: At
    actor: str
    digest: str


class WholeVersion(Version):
    """A version with all that it declares."""

    estate: dict[str, Any]


class Difference(BaseModel):
    """One change that an apply would make."""

    verb: Literal["added", "removed", "changed"]
    collection: str
    id: str
    what: str
    sentence: str


class Plan(BaseModel):
    """What an apply would mean. `running`: escalations under way, which keep their version."""

    version: int
    differences: list[Difference]
    oncall: list[str]
    gaps: list[str]
    running: int


class Proposed(shapes.Asked):
    """A compiled estate, as `mainstay` makes it from the files."""

    estate: dict[str, Any]


class ToApply(Proposed):
    """`rebase`: escalations that run go on under the new version."""

    rebase: bool = False


class Applied(Sentence):
    """The version that is now in force."""

    version: int


def get_estate(call: asking.Asked) -> WholeVersion:
    """The estate in force."""
    found = call.read(estate.current)
    if found is None:
        raise NotFound("No estate is in force yet: run `mainstay apply FOLDER`.")
    declared = found.estate.model_dump(mode="json", by_alias=True)
    return WholeVersion(**_version(found), estate=declared)


def list_versions(call: asking.Asked) -> Listed[Version]:
    """Every version, the newest first."""
    found = call.read(estate.history)
    return Listed(items=[Version(**_version(one)) for one in found])


def plan(call: asking.Asked, body: Proposed) -> Plan:
    """What this estate would change, for things and for people; nothing is written."""
    found = web.plan(call, _declared(body.estate))
    changes = [
        Difference(
            verb=one.verb, collection=one.collection, id=one.id, what=one.what, sentence=str(one)
        )
        for one in found.differences
    ]
    return Plan(
        version=found.version,
        differences=changes,
        oncall=list(found.oncall),
        gaps=list(found.gaps),
        running=found.running,
    )


def apply(call: asking.Asked, body: ToApply) -> Applied:
    """Put this estate in force."""
    done = call.act(Apply(_declared(body.estate), body.rebase))
    return Applied(sentence=done.sentence, version=done.value.version)


def _declared(values: dict[str, Any]) -> Estate:
    """The estate, checked as `mainstay check` does. Invalid names the first fault, and lists all."""
    try:
        return estate.from_values(values)
    except BadEstate as bad:
        errors = [one for one in bad.problems if one.level == "error"]
        listed = [
            {"pointer": f"/estate{one.path}", "code": one.code, "detail": one.message}
            for one in errors[:PROBLEMS_MAX]
        ]
        first = errors[0]
        words = f"{first.message} ({len(errors)} problems in all)"
        raise Invalid(words, pointer=f"/estate{first.path}", errors=listed) from None


def _version(found: estate.Version) -> dict[str, Any]:
    at: datetime = found.at
    return {
        "version": found.version, "at": to_text(at), "actor": found.actor, "digest": found.digest,
    }  # fmt: skip
