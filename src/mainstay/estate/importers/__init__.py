"""What other systems watch, read into a draft of the estate: one file each, and one line here.

Each reads all of its files together and fills a `Draft`; what has no place in the estate becomes a
comment there. Bad input is Invalid: `file:line: what is wrong`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mainstay.estate.importers import (
    backstage,
    blackbox,
    gatus,
    healthchecks,
    icinga,
    nagios,
    uptime_kuma,
)
from mainstay.estate.importers.draft import Draft, Text

__all__ = ["IMPORTERS", "Draft", "Text"]

IMPORTERS: Mapping[str, Callable[[Sequence[Text], Draft], None]] = MappingProxyType(
    {
        "nagios": nagios.read,
        "icinga2": icinga.read,
        "gatus": gatus.read,
        "uptime-kuma": uptime_kuma.read,
        "healthchecks": healthchecks.read,
        "blackbox": blackbox.read,
        "backstage": backstage.read,
    }
)
"""What it is called on the command line → its reader."""
