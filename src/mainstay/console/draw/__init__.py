"""Pictures drawn in Python as SVG: pure functions of values, the same on a screen and in a mail.

No style attribute and no script, so that the strictest policy holds: places stand in SVG
attributes, colours in classes that `console.css` knows.
"""

from mainstay.console.draw.day import ROWS_MAX, Bar, Tick, day
from mainstay.console.draw.days import days
from mainstay.console.draw.glyphs import GLYPHS, glyph, sheet
from mainstay.console.draw.lanes import Node, lanes
from mainstay.console.draw.mornings import mornings
from mainstay.console.draw.sparkline import sparkline
from mainstay.console.draw.strips import Stretch, strip
from mainstay.console.draw.uptime import uptime

__all__ = [
    "GLYPHS",
    "ROWS_MAX",
    "Bar",
    "Node",
    "Stretch",
    "Tick",
    "day",
    "days",
    "glyph",
    "lanes",
    "mornings",
    "sheet",
    "sparkline",
    "strip",
    "uptime",
]
