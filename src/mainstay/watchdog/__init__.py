"""The watchdog: a process beside the server that checks whether what should have been paged was.

`python -m mainstay.watchdog` is the process; `serve` starts it and keeps it. It reads the record and
asks whether what was promised there has happened (`promises`, `look`), tells people by a path of
its own (`telling`, `alarm`), and leaves a sign of life (`sign`).
"""

from mainstay.watchdog.sign import Sign, last_sign

__all__ = ["Sign", "last_sign"]
