"""The OpenAPI document of our own API: FastAPI's, with our errors and our way to authenticate."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from mainstay.api.asking import PERMISSION
from mainstay.foundation.errors import Invalid

_REFUSALS = {
    "400": "The words are wrong; `pointer` says where",
    "401": "No token, or none that is in force",
    "403": "Not allowed; the sentence says who may",
    "404": "No such thing",
    "409": "True a moment ago, not now",
    "413": "The body is too large",
    "415": "The body is no JSON",
    "429": "A limit was passed",
    "503": "No room to write now; Retry-After says when to come again",
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": "string", "pattern": "^MS-[0-9]{4}$"},
        "pointer": {"type": "string", "description": "RFC 6901, into the body that was sent."},
        "retry_after_s": {"type": "number"},
    },
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API token, mst_…"},
    "basic": {"type": "http", "scheme": "basic", "description": "An API token as the password."},
}


def document(api: FastAPI) -> bytes:
    """The whole document as JSON."""
    words = api.openapi()
    schemas = words.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    words["components"]["securitySchemes"] = _SECURITY
    for methods in words["paths"].values():
        for operation in methods.values():
            _complete(operation)
    return json.dumps(words, ensure_ascii=False).encode()


def invalid_request(error: RequestValidationError) -> Invalid:
    """FastAPI's finding as ours: where the first fault stands, in words; all of them in `errors`."""
    found = [_fault(one) for one in error.errors()]
    pointer, sentence = found[0]
    listed = [{"pointer": at, "detail": words} for at, words in found[:50]]
    return Invalid(sentence, pointer=pointer, errors=listed)


def _complete(operation: dict[str, Any]) -> None:
    assert PERMISSION in operation, operation
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"].pop("422", None)
    for status, words in _REFUSALS.items():
        operation["responses"][status] = {"description": words, "content": content}
    operation["security"] = [{name: []} for name in _SECURITY]


def _fault(detail: Any) -> tuple[str, str]:
    kind, *steps = detail["loc"]
    words = str(detail["msg"]).removeprefix("Value error, ")
    words = words[:1].upper() + words[1:].rstrip(".") + "."
    if kind == "body":
        pointer = "".join(f"/{_step(step)}" for step in steps)
        where = ".".join(str(step) for step in steps)
        return pointer, f"{where}: {words}" if where else words
    return "", f"The parameter {steps[0] if steps else kind}: {words}"


def _step(step: Any) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")[:80]
