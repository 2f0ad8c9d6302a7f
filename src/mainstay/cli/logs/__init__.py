"""`mainstay logs`: log files searched, counted, understood and compared; needs no server."""

from __future__ import annotations

from mainstay.cli.logs.commands import register

__all__ = ["register"]
