"""Commits between two releases, read by the system's `git`. Nothing that the repository says is run.

No hook, pager, external diff, text conversion, signature program, file monitor or remote of its
configuration has a turn, and no configuration but its own is read.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mainstay.diagnosis.collectors.programs.bounded import said_by
from mainstay.diagnosis.commits.between import with_commits
from mainstay.diagnosis.commits.change import Commit
from mainstay.diagnosis.material import Material
from mainstay.foundation.errors import Invalid, NotFound, Outside, TimedOut

COMMITS_MAX = 500
BYTES_MAX = 64 << 20
DIFF_CHARS_MAX = 400_000
WITHIN_S = 60.0
PATH = "/usr/local/bin:/usr/bin:/bin"
_RANGE = re.compile(r"(?!-)[\w./+@-]{1,200}\.\.(?!-)[\w./+@-]{1,200}")
_FILE = re.compile(r"^(?:\+\+\+ b|--- a)/(.+)$", re.M)
_HARMLESS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.pager=cat", "core.attributesFile=/dev/null",
    "diff.external=", "log.showSignature=false", "gpg.program=/bin/false", "core.sshCommand=/bin/false",
    "protocol.allow=never", "core.alternateRefsCommand=/bin/true", "safe.directory=*",
)  # fmt: skip
_ENVIRONMENT = {
    "PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1",
}  # fmt: skip
_COMMIT, _FIELD, _DIFF = "\x01", "\x02", "\x03"


def commits_between(folder: Path, between: str) -> tuple[tuple[Commit, ...], tuple[str, ...]]:
    """The commits of `v1..v2`, oldest first, merges left out; and what was left out besides."""
    if not _RANGE.fullmatch(between):
        raise Invalid(f"--between names two releases, as v1.4..v1.5; {between!r} does not.")
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    git = shutil.which("git", path=PATH)
    if git is None:
        raise Outside("There is no git here; install it to read commits.")
    out, cut = _said([
        git, "-C", str(folder), *(word for one in _HARMLESS for word in ("-c", one)), "log",
        "--no-color", "--no-merges", "--no-ext-diff", "--no-textconv", "--no-show-signature",
        "--no-notes", "--unified=3", "--patch", f"--max-count={COMMITS_MAX + 1}",
        "--format=%x01%H%x02%an%x02%ct%x02%s%x03", "--end-of-options", between, "--",
    ])  # fmt: skip
    found = list(_commits(out))
    notes = [f"More than {BYTES_MAX >> 20} MiB of diffs in {between}; the rest is left out."] * cut
    if len(found) > COMMITS_MAX:
        found = found[:COMMITS_MAX]
        notes.append(f"More than {COMMITS_MAX} commits in {between}; the oldest are left out.")
    return tuple(found[::-1]), tuple(notes)


def with_git(material: Material, folder: Path, between: str) -> Material:
    """The material with the commits between two releases of a Git folder."""
    commits, notes = commits_between(folder, between)
    found = with_commits(
        material, commits, version=between.partition("..")[2], repository=folder.resolve().name
    )
    return replace(found, notes=found.notes + notes)


def _said(argv: list[str]) -> tuple[str, bool]:
    """What git writes, and whether it would have written more."""
    try:
        said = said_by(argv, environment=_ENVIRONMENT, within_s=WITHIN_S, bytes_max=BYTES_MAX)
    except TimedOut:
        raise TimedOut(f"git did not end within {WITHIN_S:g} s.") from None
    if said.complaint:
        raise Invalid(f"git says: {said.complaint.splitlines()[0].removeprefix('fatal: ')}")
    return said.out.decode("utf-8", "replace"), said.is_cut


def _commits(text: str) -> Iterator[Commit]:
    for part in text.split(_COMMIT)[1:]:
        head, _, diff = part.partition(_DIFF)
        fields = head.split(_FIELD)
        if len(fields) != 4 or not fields[2].isdigit():
            continue
        files = dict.fromkeys(_FILE.findall(diff))
        yield Commit(
            fields[0], fields[1], float(fields[2]), fields[3], tuple(files),
            diff.strip("\n")[:DIFF_CHARS_MAX],
        )  # fmt: skip
