"""What an edit would do: the patch, what a check says of it, whom it would put on call, who may write."""

from __future__ import annotations

from dataclasses import dataclass

from mainstay import estate, oncall
from mainstay.console.desk.reader import Reader
from mainstay.estate import File, Folder, PatchLine, Problem
from mainstay.foundation.errors import NotFound
from mainstay.web import Plan, plan

NO_FOLDER = (
    "This server does not know the estate's folder. Name it as `estate` in the settings (or start "
    "with --estate FOLDER); until then edit the files where they are, and run mainstay apply."
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One file with another text. `estate` is None when it has errors."""

    file: File
    text: str
    patch: str
    lines: tuple[PatchLine, ...]
    problems: tuple[Problem, ...]
    estate: estate.Estate | None
    plan: Plan | None
    oncall: tuple[str, ...]
    """Who would be on call instead of whom, by their names."""
    ahead_n: int
    """What the folder holds already, and is not in force: it would come too."""
    may_write: bool

    @property
    def errors_n(self) -> int:
        """How many things are wrong with it."""
        return sum(one.level == "error" for one in self.problems)

    @property
    def sentence(self) -> str:
        """What it comes to, in one line."""
        if not self.patch:
            return "Nothing would change."
        if self.estate is None:
            n = self.errors_n
            return f"{n} {'error' if n == 1 else 'errors'}: this cannot be put in force."
        if self.oncall:
            n = len(self.oncall)
            return (
                f"{self.oncall[0]}." if n == 1 else f"Who is on call changes {n} times in 4 weeks."
            )
        return "This is good; who is on call stays the same."


def folder_of(reader: Reader) -> Folder | None:
    """The folder that this server puts in force, as it is now; None where it knows none."""
    root = reader.app.settings.estate
    return estate.open_folder(root) if root is not None and root.is_dir() else None


def need_folder(reader: Reader) -> Folder:
    """The folder; NotFound says how to name one."""
    found = folder_of(reader)
    if found is None:
        raise NotFound(NO_FOLDER)
    return found


def propose(reader: Reader, folder: Folder, file: File, text: str) -> Proposal:
    """Check and plan it; nothing is written. Takes a while on a large estate."""
    today = reader.now.astimezone(reader.site).date()
    found = oncall.with_gaps(folder.checked(file, text, today=today), start=reader.now)
    patch = folder.patch(file, text)
    as_is = folder.checked(file, file.text, today=today).estate
    in_force = reader.view.estate if reader.view.version else None
    ahead = estate.differences(in_force, as_is) if as_is is not None else ()
    planned = plan(reader.call, found.estate) if found.estate is not None and patch else None
    return Proposal(
        file=file, text=text, patch=patch, lines=tuple(estate.patch_lines(patch)),
        problems=found.problems, estate=found.estate,
        plan=planned, oncall=tuple(map(reader.named, planned.oncall if planned else ())),
        ahead_n=len(ahead), may_write=folder.may_write(file),
    )  # fmt: skip
