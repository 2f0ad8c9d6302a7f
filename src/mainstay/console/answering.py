"""What handlers answer with: a screen, a way on, a file."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mainstay.console.gate import Visit
from mainstay.foundation.errors import NotFound


def show(visit: Visit, template: str, /, *, status: int = 200, **words: Any) -> HTMLResponse:
    """A screen, or a part of one. Every template also knows `visit`."""
    found = visit.kit.templates.get_template(template)
    return HTMLResponse(found.render(visit=visit, **words), status)


def go(path: str) -> Response:
    """On to another screen, by GET: after every form that was taken."""
    return RedirectResponse(path, status_code=303)


def file(visit: Visit) -> Response:
    """One file of `static`; a browser that has it already is told so."""
    found = visit.kit.files.get(visit.path["name"])
    if found is None:
        raise NotFound("There is no such file.")
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if visit.request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.kind)
