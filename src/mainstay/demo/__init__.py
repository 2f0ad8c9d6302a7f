"""The demo: Mainstay with the example estate, a simulated production and phones that ring.

It is a user like any other: it starts `mainstay serve`, and speaks HTTP to it.
"""

from mainstay.demo.command import demo

__all__ = ["demo"]
