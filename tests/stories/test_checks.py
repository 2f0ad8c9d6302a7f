"""Does what is measured become a page, and only when it counts?"""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from small_world import ESTATE, World

from mainstay import checks


class Shop:
    """A real server whose answer is set by the story."""

    def __init__(self) -> None:
        self.status, self.body = 200, b'{"status": "UP"}'
        shop = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(shop.status)
                self.send_header("content-length", str(len(shop.body)))
                self.end_headers()
                self.wfile.write(shop.body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def watched(tmp_path: Path, shop: Shop, engine: str) -> Iterator[World]:
    made = World(tmp_path, ESTATE, allow=(f"127.0.0.1:{shop.port}",))
    made.apply(
        ESTATE
        + f"""
checks:
  shop:
    service: checkout
    http: http://127.0.0.1:{shop.port}/health
    every: 30s
    severity: critical
    expect: ["status == 200", 'body.status == "UP"']
"""
    )
    yield made
    made.app.close()


def standing(world: World, name: str) -> checks.Standing:
    now = world.clock.now()

    def ask(tx: Any) -> checks.Standing:
        sheet = world.app.sheets.of(world.app.ground.views.current(tx))
        return next(s for s in checks.states(tx, sheet, now=now) if s.name == name)

    return world.app.db.read(ask)


@pytest.mark.both
def test_a_check_that_fails_three_times_pages_and_says_what_was_found(
    watched: World, shop: Shop
) -> None:
    watched.forward(minutes=2)
    assert standing(watched, "shop").state is checks.State.OK
    shop.status = 503
    for _ in range(12):
        watched.forward(seconds=5)
    assert standing(watched, "shop").state is checks.State.FAIL
    watched.mara.expects("shop", "status is 503, expected == 200")
    shop.status = 200
    watched.forward(minutes=1)
    assert standing(watched, "shop").state is checks.State.OK
    assert watched.incident().state == "resolved"
