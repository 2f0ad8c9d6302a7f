"""What is a team's: its services, its duties, and what nobody owns."""

from __future__ import annotations

from mainstay.estate import View, duty_team


def is_ours(view: View, team: str, service: str | None) -> bool:
    """Whether a team looks after a service; what belongs to nobody is everybody's."""
    if service is None:
        return True
    found = view.estate.services.get(service)
    owner = found.owner if found is not None else duty_team(view.estate, service)
    return owner in (None, team)
