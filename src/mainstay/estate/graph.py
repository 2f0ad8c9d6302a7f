"""What needs what: how far two services are from each other along their dependencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from mainstay.estate.collections import Estate


class Graph:
    """The services' dependencies, both ways. Read-only; answers are remembered, threads may share."""

    def __init__(self, estate: Estate) -> None:
        self._needs = {name: service.depends for name, service in estate.services.items()}
        self._needed_by: dict[str, list[str]] = {}
        for name, needs in self._needs.items():
            for other in needs:
                self._needed_by.setdefault(other, []).append(name)
        self._near: dict[str, dict[str, int]] = {}

    def distances(self, service: str) -> dict[str, int]:
        """Every service that this one needs, or that needs it, however far: name → steps.

        All steps of a way go in one direction; two services that share a need are not related.
        """
        if service not in self._near:
            up = _walk(service, lambda name: self._needed_by.get(name, ()))
            down = _walk(service, lambda name: self._needs.get(name, ()))
            self._near[service] = {**up, **down}
        return self._near[service]

    def users(self, service: str) -> tuple[str, ...]:
        """Every service that needs this one, however far, the nearest first."""
        found = _walk(service, lambda name: self._needed_by.get(name, ()))
        return tuple(sorted(found, key=lambda name: (found[name], name)))


def _walk(start: str, step: Callable[[str], Iterable[str]]) -> dict[str, int]:
    """Everything that can be reached by `step`, with how many steps it takes; not the start."""
    distance = {start: 0}
    todo = deque([start])
    while todo:
        here = todo.popleft()
        for there in step(here):
            if there not in distance:
                distance[there] = distance[here] + 1
                todo.append(there)
    del distance[start]
    return distance
