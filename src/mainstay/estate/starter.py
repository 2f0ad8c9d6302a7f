"""A first estate to edit: small, whole, and without a single error."""

from __future__ import annotations

_ORG = """\
# The estate: what you support, as code. Keep this folder in Git.
# `mainstay check` finds mistakes, `mainstay plan` shows what would change, `mainstay apply` loads it.
mainstay: 1                        # version of this language; once in any file

org:
  name: Example
  timezone: Europe/Zurich          # where nothing else is said
  paging: shadow                   # decide and record everything, send nothing; live: send

# People, by an id that everything else uses. Where they can be reached is not written here:
# each person adds their own addresses.
people:
  ana: {name: Ana Keller}
  ben: {name: Ben Okafor, timezone: Europe/London}

teams:
  ops:
    members: [ana, ben]
"""

_ONCALL = """\
# Who is on call when. Of several layers, the later one wins.
schedules:
  ops-oncall:
    team: ops
    layers:
      - rotate: weekly             # hourly, daily, weekly, monthly
        handover: "mon 09:00"
        order: [ana, ben]

# Whom to page, in which order. `after` counts from the start.
# A service uses its own escalation, else the one named like its owner, else `default`.
escalations:
  ops:
    - {after: 0m, notify: [schedule:ops-oncall]}
    - {after: 10m, notify: [team:ops]}
  fallback:                        # when any other has run dry, or nobody can be reached
    - {after: 0m, notify: [person:ana, person:ben]}
"""

_SERVICES = """\
# What you support. Tier 1 is what the business stops without; `depends` is what it needs to work.
services:
  shop:
    tier: 1
    owner: ops
    depends: [shop-db]
    business: Customers buy here
  shop-db:
    type: database
    tier: 1
    owner: ops
  unrouted:
    tier: 3
    owner: ops
    about: Alerts that no route claimed; should be empty

# Who may send alerts. Make a key with `mainstay key create prometheus`.
sources:
  prometheus:
    format: alertmanager
    drop_labels: [replica]         # both of a pair tell the same alert

# Which service an alert is about. First match wins; the last one takes the rest.
routes:
  - {match: {service: "~.+"}, to: "service:{service}"}   # the alert's label `service` says
  - {to: service:unrouted}
"""


def starter() -> dict[str, str]:
    """File name → text, to write into an empty folder; `read` finds no error in it."""
    return {"org.yaml": _ORG, "oncall.yaml": _ONCALL, "services.yaml": _SERVICES}
