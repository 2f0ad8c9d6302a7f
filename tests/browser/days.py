"""Three days at Alpenpay, as pictures and tests need them: a quiet one, a usual one, a bad one."""

from __future__ import annotations

from datetime import timedelta

from alpenpay import Day

from mainstay.acts import commands
from mainstay.estate import target
from mainstay.oncall import Wanted


def monday(day: Day) -> None:
    """What lies behind us on each of the days: two small incidents, each answered."""
    day.at("14:20", day=-1)
    day.fires("merchant-ui", "Http5xx", "error", "Merchant portal answers 5xx for 4 % of requests")
    day.at("14:26", day=-1)
    day.act("ben", commands.Acknowledge("INC-1"))
    day.at("15:02", day=-1)
    day.act("ben", commands.Resolve("INC-1", "rolled merchant-ui 7.2 back to 7.1"))
    day.fires("merchant-ui", "Http5xx", "error", "Merchant portal answers 5xx", over=True)
    day.at("22:41", day=-1)
    day.batch("SETL0410", "SETL0410 late by 25 min: input file of SIX not there")
    day.at("22:44", day=-1)
    day.act("ana", commands.Acknowledge("INC-2"))
    day.at("23:18", day=-1)
    day.act(
        "ana",
        commands.Note(
            "INC-2", "SIX confirms: their file was cut late, it is there now.", "finding"
        ),
    )
    day.batch("SETL0410", "SETL0410 ended", state="OK")
    day.at("05:30")
    day.changes("pay-db", "pay-db: PostgreSQL 15.8 to 15.9 on r2 and r3")


def quiet(day: Day) -> None:
    """Nothing is open; a page was answered in the night."""
    monday(day)
    day.at("07:04")


def usual(day: Day) -> None:
    """One urgent incident that somebody has, one small one that nobody has yet, one silence."""
    monday(day)
    day.at("05:55")
    _silence(day)
    day.at("06:18")
    day.fires(
        "pay-db",
        "ReplicaLag",
        "critical",
        "pay-db replica r2 lags 31 s, limit 30 s",
        labels={"replica": "r2"},
    )
    day.at("06:19")
    day.fires(
        "pay-api",
        "LatencyP99",
        "error",
        "pay-api p99 is 1.4 s, limit 0.8 s",
        labels={"region": "eu-1"},
    )
    day.at("06:20")
    day.fires(
        "pay-api",
        "LatencyP99",
        "error",
        "pay-api p99 is 1.2 s, limit 0.8 s",
        labels={"region": "eu-2"},
    )
    day.fires("checkout", "Declines", "error", "6.8 % of checkouts take longer than 2 s")
    _worked_on(day)
    day.at("06:50")
    day.fires("fraud", "QueueDepth", "warning", "fraud scores 2,400 payments behind, usual 80")
    for minute in ("06:53", "06:56", "06:59", "07:02"):
        day.at(minute)
        day.fires(
            "pay-db",
            "ReplicaLag",
            "critical",
            "pay-db replica r2 lags 204 s, limit 30 s",
            labels={"replica": "r2"},
        )
    day.at("07:04")


def _silence(day: Day) -> None:
    from mainstay.alerts import Matcher

    ends = day.clock.now() + timedelta(hours=2, minutes=5)
    reason = "SMS provider migrates, CHG-879; flapping is expected"
    matchers = (Matcher("service", "=", "sepa-gw"), Matcher("alertname", "=", "GatewayFlaps"))
    day.act("ana", commands.AddSilence(matchers, day.clock.now(), ends, reason))
    day.at("05:58")
    day.fires("sepa-gw", "GatewayFlaps", "warning", "SEPA gateway flaps between two endpoints")


def _worked_on(day: Day) -> None:
    day.at("06:22")
    day.act("chen", commands.Acknowledge("INC-3"))
    day.act(
        "chen",
        commands.PageByHand("INC-3", target("person:ben"), "need a second pair of eyes on pay-db"),
    )
    day.at("06:31")
    day.act(
        "chen", commands.Note("INC-3", "Reads of checkout wait for r2 and r3; the primary is fine.")
    )
    day.act(
        "ben",
        commands.Note(
            "INC-3",
            "The 15.9 package resets parallel apply to 1. r2 and r3 took it, r1 keeps its own.",
            "finding",
        ),
    )
    day.at("06:41")
    day.act("chen", commands.Move("INC-3", "mitigating"))
    day.act(
        "chen",
        commands.Note(
            "INC-3", "Take r2 out of the read pool now; accept 20 % less read capacity.", "decision"
        ),
    )
    day.at("06:44")
    day.act(
        "chen",
        commands.Note(
            "INC-3",
            "Card payments are slow for some merchants; none declined, no data lost. Next news at 07:15.",
            "update",
        ),
    )
    day.act("chen", commands.Picture(
        "INC-3", "Replicas r2 and r3 of pay-db lag since the 15.9 upgrade; reads wait for them.",
        "r2 is out of the read pool. Parallel apply goes back to 8, one replica at a time.",
        "Ana's word before r3: it carries the reports.",
    ))  # fmt: skip


def bad(day: Day) -> None:
    """Eight incidents, sixty alerts, two of them with nobody; SMS is fine, the night is not."""
    monday(day)
    for number, (service, name, severity, text, copies) in enumerate(_STORM):
        if number == 5:
            day.at("06:18")
            day.act("chen", commands.Acknowledge("INC-3"))
        day.at(_minute(12 + number * 14))
        for copy in range(copies):
            words = text.format(host=f"{service}-{copy + 1}")
            day.fires(
                service, name, severity, words, labels={"instance": f"{service}-{copy + 1}:9100"}
            )
        if number < len(_STORM) - 2:
            day.at(_minute(15 + number * 14))
            day.act(_TAKEN_BY[number], commands.Acknowledge(f"INC-{number + 3}"))
    day.act("chen", commands.Move("INC-3", "mitigating"))
    day.at("07:04")


_TAKEN_BY = ("chen", "ben", "ana", "ben", "eli", "chen")
_STORM = (
    ("pay-db", "DiskLatency", "critical", "{host} writes take 240 ms, limit 20 ms", 23),
    ("card-gw", "GatewayTimeouts", "error", "Nexi times out for 12 % on {host}", 6),
    ("kyc-docs", "VolumeFills", "warning", "{host} fills in 3 d 4 h at this rate", 2),
    ("crm", "LoginsFail", "error", "log-in to {host} fails for 8 %", 3),
    ("sepa-gw", "CutOffAtRisk", "critical", "SEPA file {host} not acknowledged by SIX", 4),
    ("helpdesk", "TicketsRise", "warning", "tickets on {host} rose to 40 in 10 min", 3),
    ("unrouted", "Unknown", "error", "probe {host} fails", 8),
    ("bus", "ConsumerLag", "critical", "{host} consumers lag 40,000 messages", 11),
)


def override(day: Day) -> None:
    """Somebody takes a day of somebody else."""
    start = day.clock.now() + timedelta(days=2)
    wanted = Wanted(
        "payops-oncall", "eli", start, start + timedelta(hours=10), "Ana is at the dentist"
    )
    day.act("ana", commands.AddOverrides((wanted,)))


def _minute(after_five: int) -> str:
    return f"{5 + after_five // 60:02}:{after_five % 60:02}"
