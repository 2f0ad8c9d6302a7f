"""Is the same drawn for the same, within its frame, and readable without colour?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from mainstay.console import draw

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
STYLED = re.compile(r"\sstyle=|<style|<script|javascript:|\son\w+=")


def sound(svg: str) -> ElementTree.Element:
    """Well-formed, and under the strictest policy."""
    assert not STYLED.search(svg)
    return ElementTree.fromstring(svg)


def test_each_state_has_a_shape_and_a_word_of_its_own() -> None:
    shapes = [shape for _, shape in draw.GLYPHS.values()]
    words = [word for word, _ in draw.GLYPHS.values()]
    assert len(set(shapes)) == len(set(words)) == len(draw.GLYPHS)
    sound(draw.sheet())
    assert 'aria-label="Failing"' in draw.glyph("crit")
    assert 'aria-hidden="true"' in draw.glyph("crit", label=None)


def test_a_sparkline_shows_silence_too() -> None:
    assert draw.sparkline([0, 2, 4], label="alerts") == (
        '<svg class="spark" viewBox="0 0 12 18" role="img" aria-label="alerts">'
        '<rect x="0" y="16" width="3" height="1" class="none"/>'
        '<rect x="4" y="9" width="3" height="8"/><rect x="8" y="1" width="3" height="16"/></svg>'
    )
    sound(draw.sparkline([], label="nothing"))


def test_a_day_draws_what_is_open_as_going_on() -> None:
    start = NOW - timedelta(hours=24)
    bars = [
        draw.Bar(NOW - timedelta(hours=20), NOW - timedelta(hours=19), "past"),
        draw.Bar(NOW - timedelta(hours=1), None, "crit", (draw.Tick(NOW - timedelta(minutes=50), "ack"),)),
    ]  # fmt: skip
    svg = draw.day(bars, start=start, now=NOW, zone=ZURICH, label="two incidents")
    sound(svg)
    assert svg.count('class="ahead"') == 1
    assert svg.count('class="ack"') == 1
    assert ">07:00</text>" in svg, "the flag of now, in the zone of the site"
    assert re.search(r'<rect class="bar crit" x="90\.\d+%"', svg)
    for x in re.findall(r' x="(\d+(?:\.\d+)?)%"', svg):
        assert 0 <= float(x) <= 100


def strip(stretches: list[draw.Stretch], **more: object) -> str:
    start = datetime(2026, 10, 24, tzinfo=ZURICH)
    end = datetime(2026, 10, 27, tzinfo=ZURICH)
    return str(
        draw.strip(stretches, start=start, end=end, now=start, zone=ZURICH, label="x", **more)  # type: ignore[arg-type]
    )


def test_the_day_of_25_hours_is_as_wide_as_it_is_long() -> None:
    svg = strip([])
    places = [float(x) for x in re.findall(r'class="midnight" x1="([\d.]+)%', svg)]
    hours = [place / 100 * 73 for place in places]
    assert hours == pytest.approx([24, 49], abs=0.01)


def test_a_gap_is_drawn_as_failing_unless_it_is_meant() -> None:
    at = datetime(2026, 10, 24, tzinfo=ZURICH)
    gap = draw.Stretch(at, at + timedelta(days=1), None, "Nobody & nothing")
    assert '<g class="gap"><title>Nobody &amp; nothing</title>' in strip([gap])
    assert '<g class="free">' in strip([gap], gaps_allowed=True)
    sound(strip([gap]))


def test_a_name_that_does_not_fit_becomes_initials_and_then_nothing() -> None:
    at = datetime(2026, 10, 24, tzinfo=ZURICH)

    def drawn(hours: float) -> list[str]:
        one = draw.Stretch(at, at + timedelta(hours=hours), "Ana Keller", "x")
        return re.findall(r"<text[^>]*>([^<]*)</text>", strip([one]))

    assert (drawn(24), drawn(4), drawn(1)) == (["Ana Keller"], ["AK"], [])


def node(name: str, *needs: str, lane: str = "Tier 1", state: str = "ok") -> draw.Node:
    return draw.Node(name, name, lane, state, needs, f"/services/{name}")


def test_what_is_needed_stands_below_and_every_edge_is_drawn() -> None:
    nodes = [node("api", "db", "bus"), node("db", state="crit"), node("bus", lane="Tier 2")]
    svg = draw.lanes(nodes, order=("Tier 1", "Tier 2"), label="map")
    tree = sound(svg)
    tops = {
        link.get("data-id"): float(link[0].get("y") or 0)
        for link in tree.iter("a")
    }  # fmt: skip
    assert tops["api"] < tops["db"] < tops["bus"]
    assert svg.count('class="edge') == 2
    assert 'class="edge crit" data-from="api" data-to="db"' in svg


def test_circles_unknown_needs_and_no_service_at_all_are_drawn_too() -> None:
    nodes = [node("a", "b"), node("b", "a", "gone")]
    assert draw.lanes(nodes, order=("Tier 1",), label="map").count('class="edge') == 2
    sound(draw.lanes([], order=("Tier 1",), label="map"))


def test_five_hundred_services_stay_within_the_frame() -> None:
    nodes = [node(f"service-{n}", f"service-{n // 2}") for n in range(1, 500)]
    svg = draw.lanes(nodes, order=("Tier 1",), label="map")
    places = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    assert max(float(x) + float(width) for x, width in places) <= 1060
