"""The service map: a lane for each tier, what is needed below what needs it, an edge for each need.

Placed by itself: within a lane, services stand where the mean of their neighbours is (two sweeps of
the barycentre rule), which keeps most edges from crossing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

BOX_H = 26
GAP_X = 12
GAP_MAX = 150
GAP_Y = 54
INNER_Y = 26
DEPTH_MAX = 6
"""Lines that a lane may take; deeper chains share the last."""
LEFT = 96
TOP = 12
_LETTER = 6.9
WIDTH = 1060


@dataclass(frozen=True, slots=True)
class Node:
    """A service. `needs`: the ids that it depends on; those that are not drawn are left out."""

    id: str
    name: str
    lane: str
    state: str
    needs: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def lanes(nodes: Sequence[Node], *, order: Sequence[str], label: str) -> Markup:
    """The whole map; `order` names the lanes from the top."""
    rows = _ordered(nodes, order)
    boxes, height = _placed(rows)
    known = {node.id: node for node in nodes}
    edges = [
        _edge(boxes[node.id], boxes[other], known[other].state, node.id, other)
        for node in nodes for other in node.needs if other in boxes
    ]  # fmt: skip
    heads = [
        f'<text class="lane" x="0" y="{_row_y(boxes, row) + 17}">{escape(lane)}</text>'
        for lane, row in rows.items() if row
    ]  # fmt: skip
    drawn = [_box(node, boxes[node.id]) for node in nodes]
    return Markup(
        '<svg class="map" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, label, Markup("".join([*edges, *heads, *drawn])))


def _ordered(nodes: Sequence[Node], order: Sequence[str]) -> dict[str, list[Node]]:
    rows = {lane: [node for node in nodes if node.lane == lane] for lane in order}
    near: dict[str, set[str]] = {node.id: set(node.needs) for node in nodes}
    for node in nodes:
        for other in node.needs:
            near.setdefault(other, set()).add(node.id)
    for _ in range(2):
        for lane in order:
            place = _places(rows)
            rows[lane] = sorted(rows[lane], key=lambda n, p=place: _mean(near[n.id], p, n))  # type: ignore[misc]
    return rows


def _places(rows: Mapping[str, Sequence[Node]]) -> dict[str, float]:
    return {
        node.id: (index + 0.5) / len(row) for row in rows.values() for index, node in enumerate(row)
    }


def _mean(near: set[str], place: Mapping[str, float], node: Node) -> tuple[float, str]:
    known = [place[one] for one in near if one in place]
    return (sum(known) / len(known) if known else place[node.id], node.id)


def _placed(rows: Mapping[str, Sequence[Node]]) -> tuple[dict[str, _Box], int]:
    boxes: dict[str, _Box] = {}
    y = float(TOP)
    for row in rows.values():
        if not row:
            continue
        for line in _lines(row):
            x, gap = _spread(line, len(boxes))
            for node in line:
                boxes[node.id] = _Box(round(x, 1), y, _width(node))
                x += _width(node) + gap
            y += BOX_H + INNER_Y
        y += GAP_Y - INNER_Y
    return boxes, int(y - GAP_Y + 22)


def _spread(line: Sequence[Node], before: int) -> tuple[float, float]:
    """Where a line begins, and the gap in it: wide enough that edges pass between the boxes.

    A node that stands alone moves aside, to and fro, so that edges do not run through it.
    """
    free = WIDTH - LEFT - sum(_width(n) for n in line)
    if len(line) == 1:
        return LEFT + free * (0.36 if before % 2 else 0.6), GAP_X
    gap = max(GAP_X, min(GAP_MAX, free / (len(line) + 1)))
    return LEFT + max(0.0, free - gap * (len(line) - 1)) / 2, gap


def _lines(row: Sequence[Node]) -> list[list[Node]]:
    """A lane in lines: what is needed stands below what needs it; a line too long goes on below."""
    depth = _depths(row)
    lines: list[list[Node]] = []
    for level in range(max(depth.values()) + 1):
        lines.append([])
        used = 0.0
        for node in row:
            if depth[node.id] != level:
                continue
            if lines[-1] and used + _width(node) > WIDTH - LEFT:
                lines.append([])
                used = 0.0
            lines[-1].append(node)
            used += _width(node) + GAP_X
    return [line for line in lines if line]


def _depths(row: Sequence[Node]) -> dict[str, int]:
    """How many steps of need lead down to each node within its lane; a circle ends the count."""
    known = {node.id: node for node in row}
    depth = dict.fromkeys(known, 0)
    for _ in range(min(len(row), DEPTH_MAX)):
        moved = False
        for node in row:
            for other in node.needs:
                if other in known and depth[other] < depth[node.id] + 1 <= DEPTH_MAX:
                    depth[other] = depth[node.id] + 1
                    moved = True
        if not moved:
            break
    return depth


def _width(node: Node) -> float:
    return round(len(node.name) * _LETTER + 34, 1)


def _row_y(boxes: Mapping[str, _Box], row: Sequence[Node]) -> float:
    return boxes[row[0].id].y


def _edge(user: _Box, needed: _Box, state: str, one: str, other: str) -> str:
    """From whoever needs it down to what is needed; in its colour where that is in trouble."""
    if user.y == needed.y:
        lift = user.y - 12
        path = f"M{user.middle} {user.y}C{user.middle} {lift} {needed.middle} {lift} {needed.middle} {needed.y}"
    else:
        down = needed.y > user.y
        start, end = (user.y + BOX_H, needed.y) if down else (user.y, needed.y + BOX_H)
        half = round((start + end) / 2, 1)
        path = f"M{user.middle} {start}C{user.middle} {half} {needed.middle} {half} {needed.middle} {end}"
    return f'<path class="edge {state}" data-from="{escape(one)}" data-to="{escape(other)}" d="{path}"/>'


def _box(node: Node, box: _Box) -> str:
    return (
        f'<a href="{escape(node.href)}" class="node {node.state}" data-id="{escape(node.id)}">'
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{BOX_H}" rx="3"/>'
        f'<svg class="g {node.state}" x="{box.x + 8}" y="{box.y + 6}" width="14" height="14" '
        f'aria-hidden="true"><use href="#g-{node.state}"/></svg>'
        f'<text x="{box.x + 26}" y="{box.y + 17}">{escape(node.name)}</text></a>'
    )
