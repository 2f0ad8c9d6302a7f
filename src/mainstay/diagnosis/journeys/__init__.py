"""Where is this payment? One item's traces across services, in order of time, and where it stopped.

`look.py` runs the searches that the estate declares, `stop.py` says what is missing, `trace.py` has
the words of the answer.
"""

from mainstay.diagnosis.journeys.look import Wanted, blanks_of, check_id, find
from mainstay.diagnosis.journeys.trace import Found, Seen, Stop

__all__ = ["Found", "Seen", "Stop", "Wanted", "blanks_of", "check_id", "find"]
