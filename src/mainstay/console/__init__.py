"""The console: screens for people, behind a sign-in."""

from __future__ import annotations

from mainstay.console.gate import OPEN, SELF, Screen, Visit
from mainstay.console.screens import SCREENS
from mainstay.console.site import Console

__all__ = ["OPEN", "SCREENS", "SELF", "Console", "Screen", "Visit"]
