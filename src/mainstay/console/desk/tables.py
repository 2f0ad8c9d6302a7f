"""Everything that the desk shows and takes, in three tables; the routes of the console are made of them."""

from __future__ import annotations

from mainstay.console.desk import asking, frame
from mainstay.console.desk.books import estate, people, record, search, settings, system
from mainstay.console.desk.duty import checklists, handovers, watching
from mainstay.console.desk.editing import screens as editing
from mainstay.console.desk.now import alerts, incident, incidents, services, today
from mainstay.console.desk.render import Form, Part, Showing
from mainstay.console.desk.work import causes, oncall, silences

PARTS: tuple[Part, ...] = (
    *frame.PARTS, *today.PARTS, *incidents.PARTS, *incident.PARTS, *causes.PARTS, *alerts.PARTS, *services.PARTS,
    *checklists.PARTS, *handovers.PARTS, *watching.PARTS,
    *oncall.PARTS, *silences.PARTS, *record.PARTS, *system.PARTS,
)  # fmt: skip
SHOWINGS: tuple[Showing, ...] = (
    *frame.SHOWINGS, *today.SHOWINGS, *incidents.SHOWINGS, *incident.SHOWINGS, *alerts.SHOWINGS,
    *services.SHOWINGS, *oncall.SHOWINGS, *silences.SHOWINGS, *estate.SHOWINGS, *editing.SHOWINGS,
    *people.SHOWINGS, *checklists.SHOWINGS, *handovers.SHOWINGS, *watching.SHOWINGS,
    *record.SHOWINGS, *search.SHOWINGS, *settings.SHOWINGS, *system.SHOWINGS,
)  # fmt: skip
FORMS: tuple[Form, ...] = (
    *asking.FORMS, *incident.FORMS, *causes.FORMS, *alerts.FORMS, *oncall.FORMS, *silences.FORMS, *editing.FORMS, *people.FORMS,
    *checklists.FORMS, *handovers.FORMS, *settings.FORMS, *system.FORMS,
)  # fmt: skip
