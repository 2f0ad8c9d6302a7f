"""What changed before an incident: commits, deployments, flags; and how it made itself felt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `diff` is the unified text, "" when nobody kept it."""

    sha: str
    author: str
    at_s: float
    message: str
    files: tuple[str, ...]
    diff: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of a service that went out, with the commit at its head."""

    service: str
    sha: str
    at_s: float
    version: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A log template with how often it came, and how much more than usual."""

    text: str
    service: str
    count: int
    rise: int
    negative: bool


@dataclass(frozen=True, slots=True)
class Release:
    """Everything about changes that was delivered with an incident."""

    commits: tuple[Commit, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    alert: Mapping[str, Any] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()
    """What providers said of themselves (a status feed), one sentence each."""
