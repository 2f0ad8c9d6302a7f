"""The ways to reach a person, one file each. Adding one: its file, its test, its line in `build`."""

from __future__ import annotations

from mainstay.foundation.clock import Clock, SystemClock
from mainstay.foundation.egress import Egress
from mainstay.paging.channels.mail import Mail, Smtp
from mainstay.paging.channels.ntfy import Ntfy
from mainstay.paging.channels.page import Answer, Channel, Page, To
from mainstay.paging.channels.push import Push, Vapid, new_key
from mainstay.paging.channels.slack import Slack
from mainstay.paging.channels.sms import Sms, SmsChannel
from mainstay.paging.channels.sms_reply import read_reply, verify_twilio
from mainstay.paging.channels.webhook import Webhook, verify

__all__ = [
    "Answer",
    "Channel",
    "Page",
    "Push",
    "Sms",
    "Smtp",
    "To",
    "Vapid",
    "build",
    "new_key",
    "read_reply",
    "verify",
    "verify_twilio",
]


def build(
    egress: Egress,
    *,
    smtp: Smtp | None = None,
    sms: Sms | None = None,
    vapid: Vapid | None = None,
    ntfy_server: str = "https://ntfy.sh",
    clock: Clock | None = None,
) -> dict[str, Channel]:
    """The channels that work under these settings, by kind; mail, SMS and push only when set up."""
    clock = clock or SystemClock()
    channels: list[Channel] = [
        Webhook(egress, clock),
        Slack(egress, clock),
        Ntfy(egress, clock, server=ntfy_server),
    ]
    if smtp is not None:
        channels.append(Mail(egress, clock, relay=smtp))
    if sms is not None:
        channels.append(SmsChannel(egress, clock, account=sms))
    if vapid is not None:
        channels.append(Push(egress, clock, vapid=vapid))
    return {channel.kind: channel for channel in channels}
