"""Whose it is: who may do something for one team does it to what is that team's, and nothing else.

Incidents are checked by their service's owner where they are looked up; here stands the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from mainstay import alerts, oncall, people
from mainstay.acts import commands
from mainstay.acts.commands import PERMISSION, Command
from mainstay.acts.done import Act
from mainstay.acts.watch import OnHeartbeats, services_of
from mainstay.alerts import Matcher
from mainstay.estate import View, duty_team
from mainstay.foundation.errors import Forbidden


def check_team(act: Act, command: Command) -> None:
    """Forbidden when the actor may do this for some teams, and it concerns another one, or all."""
    teams = act.actor.teams(PERMISSION[type(command)])
    if not teams:  # every team; or what anybody may do about themselves alone
        return
    foreign = sorted(_owners(act, command, teams) - teams)
    if foreign:
        yours = " and ".join(sorted(teams))
        raise Forbidden(
            f"You may do this for team {yours} alone; this concerns {', '.join(foreign)}. "
            "A silence must name one of your services, as in service=pay-api.",
            teams=sorted(teams),
        )


def hidden(view: View, actor: people.Actor, permission: str) -> frozenset[str]:
    """The services that the actor may not see with this permission: those that other teams own."""
    teams = actor.teams(permission)
    if teams is None:
        return frozenset()
    owned = {name: one.owner for name, one in view.estate.services.items()}
    return frozenset(name for name, owner in owned.items() if owner and owner not in teams)


def _owners(act: Act, command: Command, teams: frozenset[str]) -> set[str]:
    """The teams that a command concerns; `every team` where it cannot be told apart."""
    match command:
        case commands.AddSilence():
            return _of_matchers(act, command.matchers)
        case commands.EndSilence():
            silence = alerts.get_silence(act.tx, command.silence)
            return set() if silence is None else _of_matchers(act, silence.matchers)
        case commands.RunChecks():
            return _of_checks(act, command)
        case commands.DiagnoseWindow():
            return {owner_of(act, command.service) or "nobody's service"}
        case commands.AddOverrides():
            return {_of_schedule(act, one.schedule) for one in command.wanted}
        case commands.RemoveOverride():
            override = oncall.override(act.tx, command.override)
            return set() if override is None else {_of_schedule(act, override.schedule)}
        case commands.AddAddress() | commands.AddRule():
            return _of_person(act, command.person, teams)
        case commands.RemoveAddress() | commands.BeginProof() | commands.ProveAddress():
            address = people.address(act.tx, command.address)
            return set() if address is None else _of_person(act, address.person, teams)
        case commands.RemoveRule():
            rule = people.rule(act.tx, command.rule)
            return set() if rule is None else _of_person(act, rule.person, teams)
        case _ if isinstance(command, OnHeartbeats):
            owners = {_of_service(act, one) for one in services_of(act.tx, command)}
            return {owner or "nobody's service" for owner in owners}
        case commands.ReleaseSignal():
            return {"every team"}
        case _:
            return set()


def _of_matchers(act: Act, matchers: Iterable[Matcher]) -> set[str]:
    """The owners of the services that the matchers pin; a silence that pins none is everybody's."""
    services = [one.value for one in matchers if one.name == "service" and one.op == "="]
    return {owner_of(act, service) or "nobody's service" for service in services} or {"every team"}


def _of_checks(act: Act, command: commands.RunChecks) -> set[str]:
    sheet = act.ground.sheets.of(act.view)
    chosen = sheet.choose(ids=command.ids, tag=command.tag, service=command.service)
    return {owner_of(act, one.check.service) or "nobody's service" for one in chosen}


def _of_schedule(act: Act, schedule: str) -> str:
    found = act.view.estate.schedules.get(schedule)
    return (found.team if found is not None else None) or "every team"


def _of_service(act: Act, service: str | None) -> str | None:
    return None if service is None else owner_of(act, service)


def _of_person(act: Act, person: str, teams: frozenset[str]) -> set[str]:
    """A member of one of the actor's teams is that team's, also where they are in others too."""
    declared = act.view.estate.teams
    is_member = any(person in declared[team].members for team in teams if team in declared)
    ours = is_member or person == act.actor.id
    return set() if ours else {f"{person}, who is in another team"}


def owner_of(act: Act, service: str) -> str | None:
    """The team that owns a service, or whose duty it is; or None."""
    found = act.view.estate.services.get(service)
    return found.owner if found is not None else duty_team(act.view.estate, service)
