"""The plan of the house (docs/house.md §2) as data: who may import whom, and what is where."""

from __future__ import annotations

FLOORS = {
    6: "app serve running __main__ demo keeper storekeeper logstore",
    5: "api console cli web",
    4: "loops upkeep diagnosing watching sealed presence jumps pipeline acts trace settling ground runtime measures pulse watchdog",
    3: "diagnosis runbooks problems resilience handover reports",
    2: "alerts incidents paging",
    1: "signals people signin nodes oncall changes checks batch telemetry knowledge slo simulation",
    0: "estate foundation",
}
SAME_FLOOR = """
    estate → foundation
    slo → checks, slo → telemetry, signin → people
    incidents → alerts, paging → incidents, paging → alerts
    settling → ground, acts → settling, acts → ground, trace → ground
    runtime → ground, runtime → measures, runtime → pulse
    api → web, console → web
    pipeline → acts, pipeline → settling, pipeline → ground
    loops → diagnosing, diagnosing → jumps, diagnosing → runtime
    loops → pipeline, loops → acts, loops → runtime, loops → presence
    loops → upkeep, upkeep → pipeline, upkeep → presence, upkeep → runtime
    loops → watching, watching → pipeline, watching → presence, watching → runtime
    watching → ground, loops → jumps, presence → runtime, presence → jumps
    presence → acts
    jumps → pipeline, jumps → runtime, jumps → watching
    acts → watching, watching → jumps
    serve → keeper, serve → storekeeper, storekeeper → logstore, app → demo, serve → app, demo → app, demo → serve
    running → serve, running → demo, running → app
    __main__ → app, __main__ → demo
"""
"""The arrows between rooms of one floor."""

BEYOND_THE_DOOR = (
    # Foundation is used by its parts (clock, errors, ids …) and needs no line here.
    "mainstay.estate.collections",
    "mainstay.estate.importers",
    # The vocabulary of what people can ask for: every door builds these.
    "mainstay.acts.commands",
    "mainstay.acts.shift.commands",
    # The registries of what speaks to the outside.
    "mainstay.signals.formats",
    "mainstay.paging.channels",
    "mainstay.checks.probes",
    # What pings us, beside what we look at: a room of its own size.
    "mainstay.checks.heartbeats",
    "mainstay.watchdog.probes",
    # Loops, and what they share with acts and jumps, which take only `heard`.
    "mainstay.watching.beating",
    "mainstay.watching.checking",
    "mainstay.watching.heard",
    "mainstay.telemetry.connectors",
    # What reads evidence, and the diagnosis of what is going on: the CLI's of a folder needs neither.
    "mainstay.diagnosis.collectors",
    "mainstay.diagnosis.live",
    # Pure analysis of log lines, entered by its own door.
    "mainstay.telemetry.logs",
    "mainstay.telemetry.files",
    "mainstay.telemetry.formats",
    "mainstay.telemetry.store",
)
"""Packages inside of a room that others may import too."""

FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms.split()}
PAIRS = {
    tuple(side.strip() for side in pair.split("→"))
    for pair in SAME_FLOOR.replace("\n", ",").split(",")
    if pair.strip()
}
