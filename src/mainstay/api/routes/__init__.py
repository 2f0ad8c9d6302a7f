"""The one route table of our own API: method, path, permission, who answers it, and with what.

The FastAPI application, `/openapi.json` and the permission census are all made from it; a route
that declares no permission cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Response

from mainstay.acts import PERMISSION as ACT
from mainstay.acts import commands
from mainstay.acts.shift import commands as on_shift
from mainstay.api.asking import PERMISSION, TOKEN_IN_QUERY
from mainstay.api.routes import (
    access,
    alerts,
    estate,
    incidents,
    oncall,
    overview,
    people,
    shapes,
    shift,
    signals,
)
from mainstay.api.routes.shapes import Listed, Sentence
from mainstay.api.routes.watch import checks, diagnosis, finding, heartbeats, past

PREFIX = "/mainstay/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `answer`: the model of its body; None where it is no JSON."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    permission: str
    run: Callable[..., Any]
    answer: Any
    status: int = 200
    token_in_query: bool = False
    media: str = "text/calendar"
    """Of an answer that is no JSON."""

    def declared(self) -> dict[str, Any]:
        """What the document says beyond FastAPI's own words."""
        words: dict[str, Any] = {PERMISSION: self.permission}
        return words | {TOKEN_IN_QUERY: True} if self.token_in_query else words

    def words(self) -> dict[str, Any]:
        """How the document names it: by whoever answers it, and the first line of its docstring."""
        room = self.run.__module__.rpartition(".")[2]
        summary = (self.run.__doc__ or "").partition("\n")[0]
        words = {
            "operation_id": f"{room}_{self.run.__name__}",
            "summary": summary,
            "description": f"Needs the permission {self.permission}.",
            "tags": [room],
        }
        if self.answer is None:
            content = {self.media: {"schema": {"type": "string"}}}
            return words | {"response_class": Response, "responses": {200: {"content": content}}}
        return words


_INCIDENT = "/incidents/{name}"
_RUN = "/checklist-runs/{run}"
_TEAM = "/teams/{team}"

ROUTES: tuple[Route, ...] = (
    # alerts and silences
    Route("GET", "/alerts", "alerts.read", alerts.list_alerts, Listed[shapes.Alert]),
    Route("GET", "/alerts/{id}", "alerts.read", alerts.get_alert, shapes.Alert),
    Route("GET", "/silences", "alerts.read", alerts.list_silences, Listed[alerts.Silence]),
    Route("POST", "/silences", ACT[commands.AddSilence], alerts.add_silence, alerts.SilenceMade, 201),
    Route("DELETE", "/silences/{id}", ACT[commands.EndSilence], alerts.end_silence, Sentence),
    # incidents
    Route("GET", "/incidents", "incidents.read", incidents.list_incidents, Listed[shapes.Incident]),
    Route("GET", _INCIDENT, "incidents.read", incidents.get_incident, incidents.WholeIncident),
    Route("GET", f"{_INCIDENT}/timeline", "incidents.read", incidents.get_timeline, Listed[shapes.Fact]),
    Route("POST", f"{_INCIDENT}/acknowledge", ACT[commands.Acknowledge], incidents.acknowledge, incidents.Done),
    Route("POST", f"{_INCIDENT}/unacknowledge", ACT[commands.Unacknowledge], incidents.unacknowledge, incidents.Done),
    Route("POST", f"{_INCIDENT}/resolve", ACT[commands.Resolve], incidents.resolve, incidents.Done),
    Route("POST", f"{_INCIDENT}/reopen", ACT[commands.Reopen], incidents.reopen, incidents.Done),
    Route("POST", f"{_INCIDENT}/notes", ACT[commands.Note], incidents.note, incidents.Done),
    Route("POST", f"{_INCIDENT}/assign", ACT[commands.Reassign], incidents.assign, incidents.Done),
    Route("POST", f"{_INCIDENT}/move", ACT[commands.Move], incidents.move, incidents.Done),
    Route("POST", f"{_INCIDENT}/escalate", ACT[commands.EscalateNow], incidents.escalate, incidents.Done),
    Route("POST", f"{_INCIDENT}/page", ACT[commands.PageByHand], incidents.page_by_hand, incidents.Done),
    # diagnosis
    Route("GET", f"{_INCIDENT}/diagnosis", "incidents.read", diagnosis.get_diagnosis, diagnosis.Diagnosis),
    Route("POST", f"{_INCIDENT}/diagnosis", ACT[commands.Diagnose], diagnosis.diagnose, diagnosis.Asked, 202),
    Route("POST", f"{_INCIDENT}/diagnosis/confirm", ACT[commands.ConfirmCause], diagnosis.confirm, Sentence),
    Route("POST", f"{_INCIDENT}/diagnosis/rule-out", ACT[commands.RuleOutCause], diagnosis.rule_out, Sentence),
    Route("POST", "/diagnosis", ACT[commands.DiagnoseWindow], diagnosis.diagnose_service, diagnosis.Asked, 202),
    Route("GET", "/diagnosis/{run}", "incidents.read", diagnosis.get_run, diagnosis.Diagnosis),
    # checks and calendars
    Route("GET", "/checks", "checks.read", checks.list_checks, Listed[checks.Check]),
    Route("POST", "/looks", ACT[commands.RunChecks], checks.run_checks, checks.Running, 202),
    Route("GET", "/checks/{name}", "checks.read", checks.get_check, checks.Check),
    Route("GET", "/checks/{name}/history", "checks.read", checks.get_history, Listed[checks.Look]),
    Route("GET", "/checks/{name}/availability", "checks.read", past.of_check, Listed[past.Stretch]),
    Route("GET", "/services/{service}/availability", "checks.read", past.of_service, Listed[past.Stretch]),
    Route("GET", "/calendars/{id}", "estate.read", checks.get_calendar, Listed[checks.Day]),
    # an item in production
    Route("POST", "/find", "diagnosis.find", finding.find_item, finding.Found),
    # signals
    Route("POST", "/report", "signals.report", signals.report, signals.Taken, 202),
    Route("GET", "/signals", "signals.read", signals.list_signals, Listed[signals.Signal]),
    Route("GET", "/signals/{receipt}", "signals.read", signals.get_signal, signals.WholeSignal),
    Route("POST", "/signals/{receipt}/release", ACT[commands.ReleaseSignal], signals.release_signal, Sentence),
    # on call
    Route("GET", "/oncall", "oncall.read", oncall.list_oncall, Listed[oncall.OnCall]),
    Route("GET", "/oncall/{schedule}", "oncall.read", oncall.get_oncall, oncall.OnCall),
    Route("GET", "/oncall/{schedule}/shifts", "oncall.read", oncall.list_shifts, Listed[oncall.Shift]),
    Route("GET", "/oncall/{schedule}/calendar.ics", "oncall.read", oncall.schedule_calendar, None, token_in_query=True),
    Route("GET", "/people/{id}/calendar.ics", "oncall.read", oncall.person_calendar, None, token_in_query=True),
    Route("GET", "/overrides", "oncall.read", oncall.list_overrides, Listed[oncall.Override]),
    Route("POST", "/overrides", ACT[commands.AddOverrides], oncall.add_overrides, oncall.OverridesMade, 201),
    Route("DELETE", "/overrides/{id}", ACT[commands.RemoveOverride], oncall.remove_override, Sentence),
    # heartbeats
    Route("GET", "/heartbeats", "heartbeats.read", heartbeats.list_heartbeats, Listed[heartbeats.Heartbeat]),
    Route("POST", "/heartbeats", ACT[commands.CreateHeartbeat], heartbeats.create_heartbeat, heartbeats.HeartbeatMade, 201),
    Route("GET", "/heartbeats/{name}", "heartbeats.read", heartbeats.get_heartbeat, heartbeats.Heartbeat),
    Route("DELETE", "/heartbeats/{name}", ACT[commands.RemoveHeartbeat], heartbeats.remove_heartbeat, Sentence),
    Route("GET", "/heartbeats/{name}/pings", "heartbeats.read", heartbeats.list_pings, Listed[heartbeats.Pinged]),
    Route("POST", "/heartbeats/{name}/pause", ACT[commands.PauseHeartbeat], heartbeats.pause_heartbeat, Sentence),
    Route("POST", "/heartbeats/{name}/resume", ACT[commands.ResumeHeartbeat], heartbeats.resume_heartbeat, Sentence),
    Route("POST", "/heartbeats/{name}/adopt", ACT[commands.AdoptUuid], heartbeats.adopt_uuid, Sentence),
    # the shift
    Route("GET", "/checklists", "handover.read", shift.checklists.list_checklists, Listed[shift.checklists.Declared]),
    Route("GET", "/checklists/{checklist}/history", "handover.read", shift.checklists.get_history, shift.checklists.History),
    Route("POST", "/checklists/{checklist}/runs", ACT[on_shift.OpenRun], shift.checklists.begin, shift.checklists.RunMade, 201),
    Route("POST", "/checklists/{checklist}/waivers", ACT[on_shift.WaiveItem], shift.checklists.waive, shift.checklists.WaiverMade, 201),
    Route("GET", "/waivers", "handover.read", shift.checklists.list_waivers, Listed[shift.checklists.Waiver]),
    Route("DELETE", "/waivers/{id}", ACT[on_shift.EndWaiver], shift.checklists.end_waiver, Sentence),
    Route("GET", _RUN, "handover.read", shift.checklists.get_run, shift.checklists.WholeRun),
    Route("GET", f"{_RUN}/evidence", "handover.read", shift.checklists.get_evidence, shift.checklists.Evidence),
    Route("GET", f"{_RUN}/report", "handover.read", shift.checklists.get_report, None, media="text/markdown"),
    Route("POST", f"{_RUN}/items/{{item}}", ACT[on_shift.AnswerItem], shift.checklists.answer, shift.checklists.RunMade),
    Route("DELETE", f"{_RUN}/items/{{item}}", ACT[on_shift.RedoItem], shift.checklists.redo, shift.checklists.RunMade),
    Route("POST", f"{_RUN}/items/{{item}}/files", ACT[on_shift.AttachFile], shift.checklists.attach, shift.checklists.FileMade, 201),
    Route("POST", f"{_RUN}/checks", ACT[on_shift.RunChecklist], shift.checklists.run_checks, shift.checklists.ChecksAsked, 202),
    Route("POST", f"{_RUN}/sign", ACT[on_shift.SignRun], shift.checklists.sign, shift.checklists.RunMade),
    Route("POST", f"{_RUN}/reopen", ACT[on_shift.ReopenRun], shift.checklists.reopen, shift.checklists.RunMade),
    Route("GET", "/checklist-files/{id}", "handover.read", shift.checklists.get_file, shift.checklists.FileContent),
    Route("GET", "/services", "alerts.read", shift.health.list_health, Listed[shift.health.Health]),
    Route("GET", "/services/{service}/health", "alerts.read", shift.health.get_health, shift.health.WholeHealth),
    Route("GET", "/services/{service}/badge.svg", "alerts.read", shift.health.badge, None, token_in_query=True, media="image/svg+xml"),
    Route("GET", "/handovers", "handover.read", shift.handovers.list_handovers, Listed[shift.handovers.Handover]),
    Route("GET", "/handovers/{id}", "handover.read", shift.handovers.get_handover, shift.handovers.WholeHandover),
    Route("POST", "/handovers/{id}/edit", ACT[on_shift.EditHandover], shift.handovers.edit_handover, shift.handovers.HandoverDone),
    Route("POST", "/handovers/{id}/offer", ACT[on_shift.OfferHandover], shift.handovers.offer_handover, shift.handovers.HandoverDone),
    Route("POST", "/handovers/{id}/accept", ACT[on_shift.AcceptHandover], shift.handovers.accept_handover, shift.handovers.HandoverDone),
    Route("GET", f"{_TEAM}/shifts", "handover.read", shift.handovers.list_shifts, Listed[shift.handovers.Shift]),
    Route("GET", f"{_TEAM}/log", "handover.read", shift.handovers.get_log, Listed[shift.handovers.LogLine]),
    Route("POST", f"{_TEAM}/log", ACT[on_shift.WriteLog], shift.handovers.write_log, Sentence, 201),
    Route("GET", f"{_TEAM}/followups", "handover.read", shift.handovers.list_followups, Listed[shift.handovers.FollowUp]),
    Route("POST", f"{_TEAM}/followups", ACT[on_shift.AddFollowUp], shift.handovers.add_followup, shift.handovers.FollowUpMade, 201),
    Route("DELETE", "/followups/{id}", ACT[on_shift.EndFollowUp], shift.handovers.end_followup, Sentence),
    # the estate
    Route("GET", "/estate", "estate.read", estate.get_estate, estate.WholeVersion),
    Route("GET", "/estate/versions", "estate.read", estate.list_versions, Listed[estate.Version]),
    Route("POST", "/estate/plan", "estate.plan", estate.plan, estate.Plan),
    Route("POST", "/estate/apply", ACT[commands.Apply], estate.apply, estate.Applied),
    # people
    Route("GET", "/people", "people.read", people.list_people, Listed[people.Person]),
    Route("GET", "/people/{id}/contacts", "people.read", people.get_contacts, people.Contacts),
    Route("POST", "/people/{id}/addresses", "people.contact_own", people.add_address, people.AddressMade, 201),
    Route("DELETE", "/addresses/{id}", "people.contact_own", people.remove_address, Sentence),
    Route("POST", "/addresses/{id}/proof", "people.contact_own", people.send_proof, Sentence),
    Route("POST", "/addresses/{id}/verify", "people.contact_own", people.prove_address, Sentence),
    Route("POST", "/people/{id}/rules", "people.contact_own", people.add_rule, people.RuleMade, 201),
    Route("DELETE", "/rules/{id}", "people.contact_own", people.remove_rule, Sentence),
    Route("POST", "/people/{id}/test-page", "people.contact_own", people.send_test_page, Listed[people.Tried]),
    # keys and tokens
    Route("GET", "/keys", "keys.manage", access.list_keys, Listed[access.Key]),
    Route("POST", "/keys", ACT[commands.CreateKey], access.create_key, access.KeyMade, 201),
    Route("DELETE", "/keys/{id}", ACT[commands.RevokeKey], access.revoke_key, Sentence),
    Route("GET", "/tokens", "people.token", access.list_tokens, Listed[access.Token]),
    Route("POST", "/tokens", ACT[commands.CreateToken], access.create_token, access.TokenMade, 201),
    Route("DELETE", "/tokens/{id}", ACT[commands.RevokeToken], access.revoke_token, Sentence),
    # accounts, roles, sessions
    Route("GET", "/accounts", "people.review", access.list_accounts, Listed[access.Account]),
    Route("POST", "/accounts", ACT[commands.Invite], access.invite, access.LinkMade, 201),
    Route("DELETE", "/accounts/{id}", ACT[commands.CloseAccount], access.close_account, Sentence),
    Route("POST", "/accounts/{id}/reset", ACT[commands.MakeResetLink], access.reset, access.LinkMade, 201),
    Route("DELETE", "/accounts/{id}/codes", "people.account_own", access.turn_off_codes, Sentence),
    Route("DELETE", "/accounts/{id}/sessions", "people.account_own", access.end_sessions, Sentence),
    Route("POST", "/roles", ACT[commands.GrantRole], access.grant_role, Sentence, 201),
    Route("DELETE", "/people/{id}/roles/{role}", ACT[commands.EndRole], access.end_role, Sentence),
    Route("GET", "/sessions", "people.account_own", access.list_sessions, Listed[access.Session]),
    Route("DELETE", "/sessions/{id}", "people.account_own", access.end_session, Sentence),
    # the whole
    Route("GET", "/trace/{id}", "record.read", overview.get_trace, overview.Trace),
    Route("GET", "/record", "record.read", overview.list_record, Listed[shapes.Fact]),
    Route("GET", "/record/checkpoints", "record.verify", overview.list_checkpoints, Listed[overview.SignedCheckpoint]),
    Route("GET", "/record/verify", "record.verify", overview.verify_record, overview.Verdict),
    Route("GET", "/shift", "incidents.read", overview.get_shift, overview.Shift),
    Route("GET", "/shadow", "paging.read", overview.get_shadow, overview.Comparison),
    Route("GET", "/status", "system.read", overview.get_status, overview.Status),
    Route("GET", "/nodes", "system.read", overview.list_nodes, Listed[overview.Node]),
)  # fmt: skip
"""Acts take their permission from `acts.PERMISSION`, so that table and door cannot differ. What
concerns oneself needs `people.contact_own` or `people.account_own` here; what others need is asked
by the act."""
