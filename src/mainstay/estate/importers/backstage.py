"""Backstage: entities of a catalogue (`catalog-info.yaml`), several in one file or in many.

Components and resources become services, groups teams, users people. References are looked for
among all of the files; one that leads nowhere is left out, with a comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mainstay.estate.importers.draft import Draft, Text, Thing, plain_id, wrong
from mainstay.estate.importers.trees import line_of, texts, yaml_documents

SERVICES = ("component", "resource", "api")
TYPES = {"database": "database", "queue": "queue", "topic": "queue", "s3-bucket": "external"}
_TIERS = {"1": 1, "2": 2, "3": 3, "tier-1": 1, "tier-2": 2, "tier-3": 3, "critical": 1}
_PLACES = ("github.com/project-slug", "gitlab.com/project-slug", "backstage.io/source-location")
_SPEC = frozenset(
    [
        "type",
        "lifecycle",
        "owner",
        "system",
        "domain",
        "dependsOn",
        "providesApis",
        "consumesApis",
        "subcomponentOf",
        "definition",
        "members",
        "memberOf",
        "profile",
        "parent",
        "children",
    ]
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: its kind in small letters, its name, and the rest as it stands."""

    kind: str
    name: str
    title: str
    metadata: dict[str, Any]
    spec: dict[str, Any]
    place: str


def read(files: Sequence[Text], draft: Draft) -> None:
    """Every entity of these files, together. Invalid, with its place, for what is none."""
    found = [one for file in files for one in _entities(file)]
    if not found:
        raise wrong(files[0].called, 1, "no entity here: expected apiVersion, kind and metadata")
    known = {(one.kind, one.name): one for one in found}
    _teams(draft, found, known)
    for one in found:
        if one.kind in ("component", "resource"):
            _service(draft, one, known)
        elif one.kind not in ("group", "user"):
            draft.leave_out(f"{one.kind} {one.name} ({one.place})")


def _entities(file: Text) -> list[Entity]:
    found = []
    for document in yaml_documents(file):
        metadata = document.get("metadata") if isinstance(document, dict) else None
        if not isinstance(metadata, dict) or not metadata.get("name") or not document.get("kind"):
            raise wrong(
                file.called, 1, "expected an entity of Backstage: kind, and metadata: {name: …}"
            )
        spec = document.get("spec") if isinstance(document.get("spec"), dict) else {}
        name = str(metadata["name"])
        place = f"{file.called}:{line_of(file, f'name: {name}')}"
        title = str(metadata.get("title") or name)
        found.append(Entity(str(document["kind"]).lower(), name, title, metadata, spec, place))
    return found


def _ref(text: Any, kind: str) -> tuple[str, str]:
    """(kind, name) of `component:default/pay-api`, `default/pay-api` or `pay-api`."""
    words = str(text)
    named, colon, rest = words.partition(":")
    return (named.lower() if colon else kind), (rest if colon else words).rpartition("/")[2]


def _teams(draft: Draft, found: list[Entity], known: dict[tuple[str, str], Entity]) -> None:
    for one in found:
        if one.kind == "user":
            profile = one.spec.get("profile")
            name = profile.get("displayName") if isinstance(profile, dict) else None
            _, thing = draft.add("people", one.name, {"name": str(name or one.title)})
            if isinstance(profile, dict) and profile.get("email"):
                thing.leave_out("email: people say themselves where they are reached")
    users = [one for one in found if one.kind == "user"]
    for one in found:
        if one.kind != "group":
            continue
        members = [_ref(name, "user")[1] for name in one.spec.get("members") or ()]
        members += [
            user.name for user in users
            if one.name in [_ref(group, "group")[1] for group in user.spec.get("memberOf") or ()]
        ]  # fmt: skip
        here = [plain_id(name) for name in dict.fromkeys(members) if ("user", name) in known]
        _, thing = draft.add("teams", one.name, {"members": here})
        for name in dict.fromkeys(members):
            if ("user", name) not in known:
                thing.leave_out(f"member {name}: no such user in these files")
        for key in ("parent", "children"):
            if one.spec.get(key):
                thing.leave_out(f"{key}: {one.spec[key]}")


def _service(draft: Draft, one: Entity, known: dict[tuple[str, str], Entity]) -> None:
    value: dict[str, Any] = {"name": one.title} if one.title != one.name else {}
    notes: list[str] = []
    if (type_ := TYPES.get(str(one.spec.get("type")))) is not None:
        value["type"] = type_
    annotations = texts(one.metadata.get("annotations"))
    labels = texts(one.metadata.get("labels"))
    tier = _TIERS.get(str(labels.get("tier") or annotations.get("tier") or ""))
    if tier is not None:
        value["tier"] = tier
    if one.spec.get("owner"):
        kind, name = _ref(one.spec["owner"], "group")
        if kind == "group" and ("group", name) in known:
            value["owner"] = plain_id(name)
        else:
            notes.append(f"owner {one.spec['owner']}: no such group in these files")
    depends, missing = _depends(one, known)
    if depends:
        value["depends"] = depends
    notes += [f"depends on {name}: not in these files" for name in missing]
    if about := one.metadata.get("description"):
        value["about"] = str(about)
    if repo := next((annotations[key] for key in _PLACES if annotations.get(key)), None):
        value["repo"] = repo
    links = {
        plain_id(str(link.get("title") or link.get("url"))): str(link["url"])
        for link in one.metadata.get("links") or ()
        if isinstance(link, dict) and link.get("url")
    }
    if links:
        value["links"] = links
    _, thing = draft.add("services", one.name, value)
    for note in notes:
        thing.leave_out(note)
    _left(one, thing, annotations, labels)


def _depends(one: Entity, known: dict[tuple[str, str], Entity]) -> tuple[list[str], list[str]]:
    found, missing = [], []
    for text in one.spec.get("dependsOn") or ():
        kind, name = _ref(text, "component")
        if kind in ("component", "resource") and (kind, name) in known:
            found.append(plain_id(name))
        else:
            missing.append(str(text))
    return list(dict.fromkeys(found)), missing


def _left(one: Entity, thing: Thing, annotations: dict[str, str], labels: dict[str, str]) -> None:
    for key in ("lifecycle", "system", "providesApis", "consumesApis", "subcomponentOf"):
        if one.spec.get(key):
            thing.leave_out(f"{key}: {one.spec[key]}")
    for key in sorted(set(one.spec) - _SPEC):
        thing.leave_out(f"{key}: {one.spec[key]}")
    if one.metadata.get("tags"):
        thing.leave_out(f"tags: {', '.join(map(str, one.metadata['tags']))}")
    for key, text in (annotations | labels).items():
        if key not in _PLACES and key != "tier":
            thing.leave_out(f"{key}: {text}")
