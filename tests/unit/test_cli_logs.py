"""Are the server's log lines one line each, and free of secrets?"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import pytest

from mainstay.foundation.observe import logs
from mainstay.foundation.observe.logs import Lines
from mainstay.foundation.secrets import redactor

SECRET = "mst_verysecretindeed"


def record(words: str, *, failed: bool = False) -> logging.LogRecord:
    trace = None
    if failed:
        try:
            raise ValueError(f"cannot send {SECRET}")
        except ValueError:
            trace = sys.exc_info()
    return logging.LogRecord("mainstay.x", logging.INFO, "x.py", 1, words, None, trace)


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_secret_is_blanked_in_the_words_and_in_the_traceback(json_lines: bool) -> None:
    lines = Lines(json_lines=json_lines, blank=redactor([SECRET]))
    text = lines.format(record(f"asked with {SECRET}", failed=True))
    assert SECRET not in text
    assert text.count("[secret]") == 2
    assert "ValueError" in text


def test_text_is_one_line_that_cannot_steer_a_terminal() -> None:
    text = Lines(json_lines=False, blank=str).format(record("a\nb \x1b[2J"))
    assert text.endswith("Z info    mainstay.x: a b �[2J")
    assert "\n" not in text


def test_json_is_one_event_a_line() -> None:
    text = Lines(json_lines=True, blank=str).format(record("a\nb", failed=True))
    assert "\n" not in text
    event = json.loads(text)
    assert (event["level"], event["logger"], event["message"]) == ("info", "mainstay.x", "a\nb")
    assert event["at"].endswith("Z")
    assert "Traceback" in event["trace"]


def test_a_line_says_what_the_work_around_it_is_about_also_from_another_thread() -> None:
    lines = Lines(json_lines=True, blank=str)

    def say() -> dict[str, str]:
        said: dict[str, str] = json.loads(lines.format(record("a")))
        return {name: said[name] for name in ("route", "receipt", "due") if name in said}

    async def request() -> dict[str, str]:
        logs.begin({})
        logs.learn(route="/k/{key}/v2/enqueue")
        await asyncio.to_thread(logs.learn, receipt="rcp_1")
        with logs.about(due="paging.send pag_1"):
            inside = await asyncio.to_thread(say)
        assert say() == {"route": "/k/{key}/v2/enqueue", "receipt": "rcp_1"}
        return inside

    whole = {"route": "/k/{key}/v2/enqueue", "receipt": "rcp_1", "due": "paging.send pag_1"}
    assert asyncio.run(request()) == whole
    assert say() == {}
    with logs.about(receipt="rcp_2\x1b[2J"):
        text = Lines(json_lines=False, blank=str).format(record("b"))
    assert text.endswith("mainstay.x: b [receipt=rcp_2�[2J]")
