"""What was attached, and the report of a run: answers that are no screens of ours."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from mainstay import handover
from mainstay.console.gate import Visit
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound

READ = "handover.read"
_SHOWN = ("image/png", "image/jpeg")
"""What a browser may show in place; the rest is saved."""
_SEALED = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


def attached(visit: Visit) -> Response:
    """One file, as what it was found to be, and nothing in it may run."""
    found = visit.app.db.read(lambda tx: handover.checklists.content_of(tx, visit.path["id"]))
    if found is None or not _sees(visit, found[0].run):
        raise NotFound("There is no such file of yours.")
    file, content = found
    how = "inline" if file.media in _SHOWN else "attachment"
    headers = {
        "content-disposition": f"{how}; filename*=UTF-8''{quote(file.name)}",
        "content-security-policy": _SEALED,
    }
    return Response(content, media_type=file.media, headers=headers)


def report(visit: Visit) -> Response:
    """A run as a page for paper."""
    if not _sees(visit, visit.path["run"]):
        raise NotFound("There is no such checklist of yours.")

    def look(tx: Tx) -> str:
        run = handover.checklists.run_by_id(tx, visit.path["run"])
        assert run is not None
        view = visit.app.ground.views.at(tx, run.estate_version)
        sheet = handover.checklists.sheet(tx, view, run, now=visit.now)
        signed = handover.checklists.signatures(tx, run.id)
        return handover.checklists.report.html(sheet, run, signed, view.estate.org.timezone)

    headers = {"content-security-policy": _SEALED}
    return Response(visit.app.db.read(look), media_type="text/html", headers=headers)


def _sees(visit: Visit, run_id: str) -> bool:
    run = visit.app.db.read(lambda tx: handover.checklists.run_by_id(tx, run_id))
    return run is not None and visit.call.actor.has(READ, team=run.team)
