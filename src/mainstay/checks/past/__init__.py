"""How checks stood over time: looks are rolled up into hours, and hours into days, weeks and months."""

from mainstay.checks.past.hours import By, Slot
from mainstay.checks.past.rolling import Rolled, roll, slots

__all__ = ["By", "Rolled", "Slot", "roll", "slots"]
