"""One-line sabotages of what Mainstay promises, and the tests that must go red for each.

A sabotage is a file, a text that stands in it exactly once, and what it is replaced by. One that
no longer applies is an error: the promise has moved, and its sabotage must follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """`red`: what pytest is asked to run; at least one test of it must fail."""

    what: str
    file: str
    old: str
    new: str
    red: str


SOURCE = "src/mainstay/"
PROOFS, PROPERTIES = "tests/proofs/", "tests/properties/"
DISK = f"{PROOFS}test_disk_fails.py"
SENDS = "tests/unit/test_paging_sends.py -k sqlite"
KILLED = f"{PROPERTIES}test_corridor_killed.py -k fail_point"
MODEL = f"{PROPERTIES}test_escalation_model.py"
WIRE = "tests/contracts/test_wire_readers.py tests/contracts/test_api_doors.py"
ORACLE = f"{PROPERTIES}test_escalation_oracle.py"
CLOCK = "tests/unit/test_clock.py"
SEALED = "tests/contracts/test_sealed_secrets.py"
ON_SERVER = "tests/contracts/test_keeping_on_server.py"
SHARED = "tests/stories/test_checks_nodes.py -k"
FOLD = "tests/unit/test_checks_fold.py"
BEATS = "tests/unit/test_heartbeats_fold.py"
MORNING = "tests/stories/test_start_of_day.py -k sqlite"
EVENING = "tests/stories/test_handover.py -k sqlite"
FLOOR = "tests/unit/test_diagnosis_floor.py"

SABOTAGES = (
    # -- intake and the disk ------------------------------------------------------------------------
    Sabotage(
        "answer before the commit",
        "api/intake.py", "            self._write()\n        await future",
        "            self._write()", f"{DISK} -k sync_that_fails",
    ),
    Sabotage(
        "synchronous = NORMAL",
        "foundation/db/sqlite.py", '"PRAGMA synchronous = FULL"', '"PRAGMA synchronous = NORMAL"',
        f"{PROOFS}test_power_loss.py -k survives",
    ),
    Sabotage(
        "build on a log that never reached the disk",
        "foundation/db/sqlite.py", "    _save_log(path)\n", "", f"{DISK} -k killed_right",
    ),
    Sabotage(
        "a failed commit counts as done",
        "foundation/db/sqlite.py", "                call.error = call.error or failure",
        "                pass", f"{DISK} -k sync_that_fails",
    ),
    Sabotage(
        "a call that failed leaves half of itself",
        "foundation/db/sqlite.py", '            connection.execute("ROLLBACK TO one")\n', "",
        "tests/unit/test_db.py",
    ),
    Sabotage(
        "a door accepts any key",
        "signals/keys.py", "self.sources.get(digest(key))", "next(iter(self.sources.values()), None)",
        "tests/contracts/test_api_doors.py -x",
    ),
    Sabotage(
        "keep the key in the raw signal",
        "api/doors.py", "kept = signals.blank_credentials(body, key)", "kept = body",
        f"tests/contracts/test_secrets_stay_secret.py {WIRE}",
    ),
    # -- settling -----------------------------------------------------------------------------------
    Sabotage(
        "settle a signal again and again",
        "pipeline.py", "    signals.settled(tx, [request.receipt for request in waiting])\n", "",
        "tests/stories/test_escalation.py -x",
    ),
    Sabotage(
        "a repeat opens a second alert",
        "alerts/apply.py", "    is_open = last is not None and last.closed_at is None",
        "    is_open = last is not None and last.closed_at is not None",
        f"{PROPERTIES}test_corridor.py",
    ),
    Sabotage(
        "a bad signal is tried for ever",
        "signals/admit.py", "TRIES_MAX = 3", "TRIES_MAX = 10**9", "tests/unit/test_signals_rows.py",
    ),
    Sabotage(
        "a bad signal holds up the others",
        "loops.py", "        done = _settle_one_by_one(app, now)", "        done = 0",
        "tests/stories/test_limits.py tests/unit/test_paging_poison.py"
        " tests/contracts/test_wire_poison.py",
    ),
    Sabotage(
        "nobody is asked when a silence is over",
        "settling.py", "    follow_up(batch, alert, attached)\n\n\ndef _joined", "\n\ndef _joined",
        f"{MODEL} tests/stories/test_silences.py",
    ),
    # -- deliver ------------------------------------------------------------------------------------
    Sabotage(
        "mark as sent, then send",
        "paging/store.py", "SET state = 'sending', tries = tries + 1", "SET state = 'sent', tries = tries + 1",
        KILLED,
    ),
    Sabotage(
        "claim without a lease",
        "foundation/due.py", "  due_at = :until, owner = :owner", "  owner = :owner",
        "tests/unit/test_due.py",
    ),
    Sabotage(
        "claim what is not due",
        "foundation/due.py", "now=to_us(now), owner=owner, limit=limit,",
        "now=to_us(now) + 10**9, owner=owner, limit=limit,", "tests/unit/test_due.py",
    ),
    Sabotage(
        "claim by key, not by what is due first",
        "foundation/due.py", "ORDER BY due_at LIMIT :limit", "ORDER BY key LIMIT :limit",
        "tests/unit/test_due.py",
    ),
    Sabotage(
        "finish what somebody else has taken over",
        "foundation/due.py",
        '"DELETE FROM foundation_due WHERE kind = :kind AND key = :key AND token = :token"',
        '"DELETE FROM foundation_due WHERE kind = :kind AND key = :key AND :token = :token"',
        "tests/unit/test_due.py",
    ),
    Sabotage(
        "plan a failed page again although it was taken over",
        "foundation/due.py",
        '" WHERE kind = :kind AND key = :key AND token = :token",\n            at=',
        '" WHERE kind = :kind AND key = :key AND :token = :token",\n            at=',
        "tests/unit/test_due.py",
    ),
    Sabotage(
        "fire a step and plan no next one",
        "paging/escalate.py", "    promise = _plan(tx, run, follows, base=base if found else now)\n",
        "    promise: dict[str, Any] = {}\n", ORACLE,
    ),
    Sabotage(
        "a policy that runs dry ends in silence",
        "paging/escalate.py", '    facts += start(\n        tx, ids, incident, policy_id=FALLBACK',
        '    facts or start(\n        tx, ids, incident, policy_id=FALLBACK', KILLED,
    ),
    Sabotage(
        "every firing of a step has the same key",
        "paging/escalate.py", "{origin}/{step}/{round}/", "{origin}/{step}/", KILLED,
    ),
    Sabotage(
        "a copy has a key of its own",
        "paging/send.py", "idempotency_key=send.idempotency_key,",
        "idempotency_key=f\"{send.idempotency_key}{send.tries}\",", KILLED,
    ),
    Sabotage(
        "a copy does not say so",
        "paging/send.py", "repeat=repeat or send.repeats > 0", "repeat=False", KILLED,
    ),
    Sabotage(
        "page after the acknowledgement",
        "paging/send.py", "    if send.escalation is not None and incident.acknowledged(to_us(now)):",
        "    if send.escalation is None and incident.acknowledged(to_us(now)):",
        MODEL,
    ),
    Sabotage(
        "an acknowledgement does not stop the policy",
        "paging/escalate.py", "    for run in store.running(tx, incident.id):\n        store.end_escalation",
        "    for run in []:\n        store.end_escalation", f"{ORACLE} {PROOFS}test_ack_race.py",
    ),
    Sabotage(
        "no other channel when the first is down",
        "paging/send.py", "NEXT_CHANNEL_AFTER = 2", "NEXT_CHANNEL_AFTER = 99",
        "tests/stories/test_channels_fail.py",
    ),
    Sabotage(
        "copies without an end",
        "paging/send.py", "    if send.tries >= TRIES_MAX:", "    if send.tries >= 10**9:", SENDS,
    ),
    Sabotage(
        "forget what a page that failed was carrying",
        "paging/escalate.py", "        due.plan(tx, SEND_DUE, carried, at=now)", "        carried",
        f"{SENDS} {MODEL}",
    ),
    Sabotage(
        "send again what is under way here",
        "pipeline.py", " for one in due_now if one.key not in but]", " for one in due_now]", SENDS,
    ),
    Sabotage(
        "drop the answer when the disk is full",
        "loops.py", "        except Stuck:  # a full disk", "        except NotImplementedError:  # a full disk",
        SENDS,
    ),
    Sabotage(
        "an error in a 200 counts as accepted",
        "paging/channels/answers.py", "        if _says_no(answer):", "        if False:",
        "tests/contracts/test_channels_http.py",
    ),
    Sabotage(
        "a new process waits for the leases of the dead one",
        "nodes/store.py", "    return due.release(tx, node_id, now=now)", "    return 0",
        "tests/stories/test_channels_fail.py",
    ),
    Sabotage(
        "keep the plans that were made while tables were empty",
        "foundation/db/session.py", "> PLANS_S:", "> 1e9:", "tests/unit/test_db_plans.py",
    ),
    Sabotage(
        "every node's watchdog tells",
        "watchdog/telling/claims.py", "        return held is not None", "        return True",
        "tests/unit/test_watchdog_claims.py",
    ),
    # -- time ---------------------------------------------------------------------------------------
    Sabotage(
        "the plan stays when the clock is set back",
        "jumps.py", "        due.move(tx, by, but=alerts.SILENCE_DUE)\n", "", CLOCK,
    ),
    Sabotage(
        "each node moves the plan with the clock of the database",
        "jumps.py", "    app.clock.keep_up(lambda: _moved_us(tx))\n", "",
        "tests/unit/test_clock_of_nodes.py",
    ),
    Sabotage(
        "leases end when the clock is set forward",
        "jumps.py", "        due.move_leases(tx, by)", "        pass", CLOCK,
    ),
    Sabotage(
        "alerts expire when the clock is set forward",
        "jumps.py", "    alerts.postpone_expiry(tx, since_us=to_us(now)", "    0 and alerts.postpone_expiry(tx, since_us=to_us(now)",
        CLOCK,
    ),
    Sabotage(
        "follow the clock before the plan is moved",
        "foundation/clock.py", "        if abs(drift_us) < JUMP_US:", "        if drift_us:", CLOCK,
    ),
    # -- what can be proved afterwards, and who may --------------------------------------------------
    Sabotage(
        "a fact can be edited without a trace",
        "foundation/record/chain.py", '"receipt", "because", "facts"', '"receipt", "facts"',
        "tests/unit/test_record.py",
    ),
    Sabotage(
        "a step leaves no row in the record",
        "pipeline.py", "    record.write(tx, facts, now=now, estate_version=view.version)\n    return ready",
        "    return ready", "tests/stories/test_escalation.py",
    ),
    Sabotage(
        "anybody may resolve",
        "acts/__init__.py",
        "        _may_incident(act, incident, PERMISSION[type(command)])\n", "",
        "tests/contracts/test_permissions.py tests/stories/test_team_tokens.py",
    ),
    Sabotage(
        "compare a signature by ==",
        "paging/channels/sms_reply.py",
        'hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace"))',
        'base64.b64encode(digest) == signature.encode("utf-8", "replace")',
        "tests/house/test_house_secrets.py",
    ),
    Sabotage(
        "call private addresses",
        "foundation/addresses.py", "            if not all(is_public(address) for address in addresses):",
        "            if not any(True for address in addresses):", "tests/contracts/test_egress_guard.py -x",
    ),
    # -- what is kept -------------------------------------------------------------------------------
    Sabotage(
        "nothing is given back when the disk is full",
        "app.py", "    db.on_full = reserve.give_back", "    pass", f"{PROOFS}test_disk_reserve.py",
    ),
    Sabotage(
        "a sealed secret opens in any cell",
        "foundation/sealing/ring.py", ", cell.table, cell.column, cell.row])", "])",
        "tests/unit/test_sealing.py -k own_cell",
    ),
    Sabotage(
        "start whatever key is here",
        "sealed.py", "    db.read(lambda tx: sealing.check(sealing.row_in_force(tx), ring))\n", "",
        f"{SEALED} -k without_its_key",
    ),
    Sabotage(
        "throw the old key away before the new one is in force",
        "sealed.py", "keys.keep([new, *keys.read()])", "keys.keep([new])", f"{SEALED} -k killed",
    ),
    Sabotage(
        "leave the seed of heartbeats under the old key",
        "sealed.py", "        + heartbeats.reseal(tx, change)\n", "",
        f"{SEALED} -k seed_of_heartbeats",
    ),
    Sabotage(
        "a lost key takes the UUIDs away that jobs know",
        "checks/heartbeats/store.py", ":at FROM checks_beat WHERE id = :id",
        ":at FROM checks_beat WHERE id = :id AND 1 = 0",
        f"{SEALED} -k lost_key_heartbeats",
    ),
    Sabotage(
        "what is written over stays in the file",
        "foundation/db/sqlite.py", "secure_delete = ON", "secure_delete = OFF", f"{SEALED} -k clear",
    ),
    Sabotage(
        "a text may hold NUL",
        "foundation/db/tx.py", "        return value.replace(NUL, SHOWN_NUL)", "        return value",
        "tests/unit/test_backup.py -k nul",
    ),
    Sabotage(
        "no way back from an upgrade of a server",
        "foundation/backup/made.py", "or not place.exists:", "or not place.exists or place.url:",
        f"{ON_SERVER} -k upgrade",
    ),
    Sabotage(
        "half a restore stays",
        "foundation/db/postgres.py", "                fill(tx)\n",
        '                fill(tx)\n                session.tell("COMMIT; BEGIN")\n', f"{ON_SERVER} -k restore",
    ),
    Sabotage(
        "sessions are never forgotten",
        "upkeep.py", "        return signin.forget(tx, before=before) >= signin.FORGET_ROWS or there_is_more",
        "        return there_is_more", "tests/stories/test_keeping.py -k sessions",
    ),
    # -- heartbeats and imports ---------------------------------------------------------------------
    Sabotage(
        "call a job late at its time",
        "checks/heartbeats/fold.py", "max(beat.due_at + plan.grace, spared)",
        "max(beat.due_at, spared)", "tests/unit/test_heartbeats_fold.py",
    ),
    Sabotage(
        "call jobs late for the time that we were down",
        "presence.py", "            jumps.heard_nothing(tx, app, from_us(last), now)\n", "",
        "tests/stories/test_heartbeats.py -k sqlite",
    ),
    Sabotage(
        "keep the UUID of a heartbeat in clear",
        "checks/heartbeats/declare.py", "store.insert(tx, beat, digest=digest(uuid_of(tx, beat, ring=ring, now=now)))",
        "store.insert(tx, beat, digest=uuid_of(tx, beat, ring=ring, now=now))", "tests/contracts/test_pings.py -k sqlite -x",
    ),
    # -- checks and heartbeats ----------------------------------------------------------------------
    Sabotage(
        "a first failure of a check counts at once",
        "checks/fold.py", "failures >= attempts", "failures >= 1", FOLD,
    ),
    Sabotage(
        "tell of what fails because of what is beneath it",
        "checks/fold.py", "    if muted is not None:\n        return replace(after, muted=muted), None\n",
        "", FOLD,
    ),
    Sabotage(
        "what flaps closes and opens its alert each time",
        "checks/fold.py", "if told is None or after.flapping:", "if told is None:", FOLD,
    ),
    Sabotage(
        "a check that nobody looks at any more stays as it was",
        "checks/fold.py", "before, state=State.NOT_SEEN, since=now", "before, since=now", FOLD,
    ),
    Sabotage(
        "all checks of a minute look at the same second",
        "checks/times.py", "place_us = int.from_bytes(digest) % every_us", "place_us = 0",
        "tests/unit/test_checks_times.py",
    ),
    Sabotage(
        "two nodes look at the same check",
        "foundation/due.py", "  due_at = :until, owner = :owner,", "  owner = :owner,",
        f"{SHARED} no_other",
    ),
    Sabotage(
        "a look dies with its node",
        "foundation/due.py",
        "limit=limit,\n        until=to_us(now + timedelta(seconds=lease_s)),",
        "limit=limit,\n        until=to_us(now + timedelta(days=lease_s)),",
        f"{SHARED} lost",
    ),
    Sabotage(
        "what a paused node saw long ago counts",
        "checks/looking.py", "standing.at is not None and result.at < standing.at", "False",
        f"{SHARED} paused",
    ),
    Sabotage(
        "a look that was under way at a new version is dropped",
        "checks/looking.py", "if one.name in lost and standing.at is not None and result.at < standing.at:",
        "if one.name in lost:", f"{SHARED} anew",
    ),
    Sabotage(
        "a look that a killed process had begun waits for its lease",
        "nodes/store.py", "    return due.release(tx, node_id, now=now)", "    return 0",
        f"{PROOFS}test_checks_two_nodes.py -k killed",
    ),
    Sabotage(
        "what was last seen long ago counts as seen",
        "checks/past/hours.py", "following if holds_us is None else min(following, at + holds_us)",
        "following", "tests/stories/test_checks_past.py",
    ),
    Sabotage(
        "the best of several checks is their service's",
        "checks/past/hours.py", "fail = max(one.fail_us", "fail = min(one.fail_us",
        "tests/stories/test_checks_past.py",
    ),
    Sabotage(
        "a ping that says it failed counts as well",
        "checks/heartbeats/fold.py", '    if ping.kind == "fail":', '    if ping.kind == "none":', BEATS,
    ),
    Sabotage(
        "a run may go on for ever",
        "checks/heartbeats/fold.py",
        "    found += [(from_us(run.at_us) + plan.run_limit, run) for run in beat.runs]\n", "", BEATS,
    ),
    Sabotage(
        "a heartbeat that must start in time is waited for until its end",
        "checks/heartbeats/fold.py", "found.append((max(beat.due_at + within, spared), \"start\"))",
        "pass", BEATS,
    ),
    Sabotage(
        "carry a secret header into the estate",
        "estate/importers/trees.py", "name.lower() in _SECRET_HEADERS", "not name",
        "tests/contracts/test_importers.py",
    ),
    # -- the shift ----------------------------------------------------------------------------------
    Sabotage(
        "sign a checklist though an item fails",
        "handover/checklists/signing.py", "        _check_ready(run, found)\n", "", MORNING,
    ),
    Sabotage(
        "the signer of yesterday signs today",
        "handover/checklists/signing.py", "    if person in before:", "    if person in ():", MORNING,
    ),
    Sabotage(
        "what was signed goes on changing",
        "handover/checklists/lines.py", '    if run.state == "open":', "    if run.state:", MORNING,
    ),
    Sabotage(
        "nobody hears that a checklist is unsigned",
        "handover/checklists/by_time.py", "    alarms.append(alarm_of(run, summary, over=False))\n",
        "", MORNING,
    ),
    Sabotage(
        "a checklist is looked at once and never again",
        "acts/shift/by_time.py",
        "    due.plan(act.tx, one.kind, one.key, at=found.next_at, facts=one.facts)\n    return found.facts\n\n\ndef _shift",
        "    return found.facts\n\n\ndef _shift", MORNING,
    ),
    Sabotage(
        "who hands over accepts it too",
        "handover/passing/taking.py", "    if person == one.offered_by:", "    if person is None:",
        EVENING,
    ),
    Sabotage(
        "an unaccepted handover is the leaver's trouble",
        "handover/passing/by_time.py", "    alarms.append(alarm_of(one, words, over=False))\n", "",
        EVENING,
    ),
    Sabotage(
        "a shift that is short goes unnoticed",
        "handover/shifts/short.py", "            if key not in told:", "            if key in told:",
        EVENING,
    ),
    Sabotage(
        "a check that flaps is not handed over",
        "handover/passing/draft.py", "        if each.flapping and is_ours", "        if each.told and is_ours",
        EVENING,
    ),
    Sabotage(
        "a service that nobody looks at is healthy",
        "handover/health/standing.py", "    if not well:", "    if seen.checks and not well:",
        "tests/stories/test_health.py",
    ),
    # -- diagnosis ----------------------------------------------------------------------------------
    Sabotage(
        "what was full for months is the cause of tonight",
        "diagnosis/facts/look.py", "USUAL = 0.05", "USUAL = 0.9", FLOOR,
    ),
    Sabotage(
        "words that are said every day name a mechanism",
        "diagnosis/facts/heard.py", "one.during > MORE * one.before * share", "one.during",
        FLOOR,
    ),
    Sabotage(
        "a session that waits too is the one that all wait for",
        "diagnosis/facts/databases.py",
        '        name = word(sessions[name], "waits_for")\n    return name', "        break\n    return name",
        FLOOR,
    ),
    Sabotage(
        "what is brought about comes before what brings it about",
        "diagnosis/facts/judge.py", "BROUGHT_ABOUT = 0.85", "BROUGHT_ABOUT = 1.05", FLOOR,
    ),
    # -- finding an item -----------------------------------------------------------------------------
    Sabotage(
        "a longer id that begins alike is taken for the one looked for",
        "diagnosis/collectors/programs/searching.py", "return bool(beside) and", "return False and",
        "tests/contracts/test_finding.py -k one_timeline",
    ),
    Sabotage(
        "somebody looks for a customer and no row says so",
        "web/finding.py", "    call.app.db.run(work)\n", "    pass\n",
        "tests/contracts/test_finding.py -k recorded",
    ),
    Sabotage(
        "what is found is shown with card numbers and addresses",
        "diagnosis/journeys/look.py", "one.source, blank(one.what)", "one.source, one.what",
        "tests/contracts/test_finding.py -k one_timeline",
    ),
    Sabotage(
        "git runs what the repository configures",
        "diagnosis/collectors/programs/git.py", '"--no-ext-diff", "--no-textconv", ', "",
        "tests/contracts/test_commits_between.py -k is_run",
    ),
)  # fmt: skip
