"""What handlers answer with: a screen, a way on, a file."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mainstay.console.desk import serving
from mainstay.console.gate import Visit
from mainstay.console.kit import File
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound


def show(visit: Visit, template: str, /, *, status: int = 200, **words: Any) -> HTMLResponse:
    """A screen, or a part of one. Every template also knows `visit`."""
    found = visit.kit.templates.get_template(template)
    if visit.known is None or visit.must_set_up_codes:
        return HTMLResponse(found.render(visit=visit, bare=True, **words), status)

    def inside(tx: Tx) -> str:
        around = serving.around(visit, tx)
        return found.render(around | {"visit": visit, "bare": False} | words)

    return HTMLResponse(visit.app.db.read(inside), status)


def go(path: str) -> Response:
    """On to another screen, by GET: after every form that was taken."""
    return RedirectResponse(path, status_code=303)


WORKER = "push/worker.js"


def file(visit: Visit) -> Response:
    """One file of `static`; a browser that has it already is told so."""
    found = visit.kit.files.get(visit.path["name"])
    if found is None:
        raise NotFound("There is no such file.")
    return _sent(visit, found)


def worker(visit: Visit) -> Response:
    """The service worker, at the root: from there it may answer for the whole console."""
    response = _sent(visit, visit.kit.files[WORKER])
    response.headers["service-worker-allowed"] = "/"
    return response


def _sent(visit: Visit, found: File) -> Response:
    headers = {"etag": found.tag, "cache-control": _keep(visit, found), "vary": "accept-encoding"}
    if visit.request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    body = found.content
    if found.packed is not None and "gzip" in visit.request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = found.packed, "gzip"
    return Response(body, headers=headers, media_type=found.kind)


def _keep(visit: Visit, found: File) -> str:
    """A file that is asked for by its content is kept for good; a font for a week."""
    asked = visit.request.query_params.get("v", "")
    if asked and found.tag.startswith(f'"{asked}'):
        return "public, max-age=31536000, immutable"
    return "public, max-age=604800" if found.kind.startswith("font/") else "no-cache"
