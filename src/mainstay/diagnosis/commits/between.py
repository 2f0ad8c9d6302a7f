"""Commits of a Git folder beside the rest of the evidence: what went out, and what went wrong then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mainstay.diagnosis.commits.change import Commit, Deployment, Pattern, Release
from mainstay.diagnosis.lines import worse
from mainstay.diagnosis.material import Material

PATTERNS_MAX = 50
_ONE_OF_MANY = re.compile(r"(?:services|cmd|apps)/([^/]+)/")


def with_commits(
    material: Material, commits: Sequence[Commit], *, version: str, repository: str
) -> Material:
    """The material with these commits, all of which went out with `version`.

    Where nobody says when, it went out when its last commit was made. The trouble is what the
    logs say that they did not say before, unless patterns came with the folder.
    """
    if not commits:
        return material
    release = material.release or Release()
    where = material.symptom.where if material.symptom else repository
    out_s = max(one.at_s for one in commits)
    known = {one.sha for one in release.deployments}
    deployments = [
        Deployment(_service(one, where), one.sha, out_s, version)
        for one in commits if one.sha not in known
    ]  # fmt: skip
    patterns = release.patterns or tuple(_patterns(material))
    alert = release.alert or {"service": where}
    return replace(
        material,
        release=replace(
            release, commits=release.commits + tuple(commits), alert=alert, patterns=patterns,
            deployments=release.deployments + tuple(deployments),
        ),
    )  # fmt: skip


def _service(commit: Commit, otherwise: str) -> str:
    """In a repository of many services, the one whose folder it changes."""
    named = {found[1] for file in commit.files if (found := _ONE_OF_MANY.match(file))}
    return named.pop() if len(named) == 1 else otherwise


def _patterns(material: Material) -> list[Pattern]:
    return [
        Pattern(one.text, one.example.source, one.bad, one.bad - one.good, True)
        for one in worse(material)[:PATTERNS_MAX]
    ]
