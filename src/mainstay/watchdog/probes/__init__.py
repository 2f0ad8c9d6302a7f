"""What the watchdog asks of a running Mainstay from outside."""

from mainstay.watchdog.probes.door import Asked, ask_ready

__all__ = ["Asked", "ask_ready"]
