"""Sources: who may send us signals, and how to read what they send."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mainstay.estate.collections.text import Duration, Part, Severity

Format = Literal["alertmanager", "alertmanager-webhook", "pagerduty", "json", "report", "heartbeat"]


def _path_or_paths(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        return value
    raise ValueError("expected a path such as $.labels, or a mapping of label to path")


class SeverityMap(Part):
    """Where the severity stands, and what the sender's words mean in ours.

    Written as a path alone, or `{from: $.sev, "1": critical}`: every other key but `otherwise` is one of `words`.
    """

    from_: str = Field(alias="from")
    """Its path."""
    words: dict[str, Severity] = {}
    """Their word → ours. Each may stand beside `from`, without `words`."""
    otherwise: Severity = "error"
    """For any other word."""


class JsonMap(Part):
    """Where things stand in a JSON body. Each is a path (`$.a.b[0]`); `resolve` a condition."""

    key: str
    """What makes two messages speak of one alert."""
    summary: str
    """What is wrong, in a line."""
    severity: SeverityMap | None = None
    """A path, or a path and what its words mean. None: the source's `severity`."""
    service: str | None = None
    """Becomes the label `service`, which routes can match."""
    url: str | None = None
    """Where to read more."""
    resolve: str | None = None
    """`$.state == 'OK'`: when it holds, the alert is resolved."""
    items: str | None = None
    """`$.alerts`: where the list of items stands, for bodies that carry many."""
    labels: Annotated[str | dict[str, str] | None, BeforeValidator(_path_or_paths)] = None
    """A path to a mapping, or a path for each label."""


class Source(Part):
    """One sender. Its keys are made with `mainstay key create`."""

    format: Format
    """The protocol that it speaks; it decides which paths its keys open."""
    drop_labels: list[str] = []
    """Labels that do not make an alert another one (`replica` of an HA pair)."""
    map: JsonMap | None = None
    """For `format: json` only. None: the names that most senders use are tried."""
    expire_after: Duration | None = None
    """Close as "not seen" when not repeated for this long. None: the protocol's own rule."""
    resolve_timeout: Duration = timedelta(minutes=5)
    """Alertmanager's: how long an alert without `endsAt` lives."""
    severity: Severity = "error"
    """When the sender names none."""
    severities: dict[str, Severity] = {}
    """The sender's words in ours: {page: critical}."""
    about: str | None = None
    """For people to read."""
