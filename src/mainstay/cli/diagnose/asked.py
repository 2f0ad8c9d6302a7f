"""What a person wants diagnosed, told by what they typed: an incident, a service, or a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mainstay.foundation.errors import Invalid

_INCIDENT = re.compile(r"(?:INC-)?\d{1,15}|inc_[0-9A-Z]{26}", re.IGNORECASE)
_SERVICE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class About:
    """What it is about; `name` as the server calls it, or the path."""

    kind: Literal["incident", "service", "folder"]
    name: str


def about(typed: str, *, has_window: bool) -> About:
    """What `typed` means. Invalid, with both ways to say it, where it may mean two things."""
    path = Path(typed)
    is_there = path.exists()
    if "/" in typed or typed in (".", ".."):
        return About("folder", typed)
    if _INCIDENT.fullmatch(typed):
        if is_there:
            raise Invalid(
                f"{typed} is an incident's name, and a file here. For the file: ./{typed}"
            )
        return About("incident", typed)
    if has_window and is_there:
        raise Invalid(
            f"{typed} is a file here, and --from and --to are for a service. For the file: "
            f"./{typed}, with --at; for the service, from another folder."
        )
    if is_there or not _SERVICE.fullmatch(typed):
        return About("folder", typed)
    return About("service", typed)
