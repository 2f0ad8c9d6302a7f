"""Web Push: a page to a browser that its owner has set up, through its maker's push service.

What is said is sealed for that browser alone (RFC 8291); the push service knows who sends, by a
signature (RFC 8292), and not what. Over which addresses and with which headers: RFC 8030.
"""

from mainstay.paging.channels.push.channel import Push
from mainstay.paging.channels.push.vapid import Vapid, new_key

__all__ = ["Push", "Vapid", "new_key"]
