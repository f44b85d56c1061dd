"""What CalDAV servers can do (SYNC C7), before and after one was met."""

from __future__ import annotations

from collections.abc import Mapping

from calbridge.connectors.capabilities import Ability, Capabilities, Support

_LEVELS = {
    Ability.CHOOSES_ADDRESS: Support.FULL,
    Ability.CONDITIONAL_WRITE: Support.FULL,
    Ability.RECURRENCE: Support.FULL,
    Ability.ATOMIC_SERIES: Support.FULL,
    Ability.MODIFIED_TIME: Support.PARTIAL,
    Ability.DELTA: Support.FULL,
    Ability.STABLE_ADDRESS: Support.NONE,
    Ability.WHOLE_MOVES: Support.FULL,
    Ability.SILENT_UPDATE: Support.NONE,
    Ability.RESPOND: Support.PARTIAL,
}
_NOTES = {
    Ability.MODIFIED_TIME: "LAST-MODIFIED is also touched by servers and other programs",
    Ability.SILENT_UPDATE: "a server with calendar-auto-schedule mails the guests itself",
    Ability.RESPOND: "the organiser learns an answer only from a server with calendar-auto-schedule",
}


def capabilities_for(service: str, facts: Mapping[str, str]) -> Capabilities:
    """Sizes by service; levels by what ``check`` learned of the server (``facts``)."""
    levels, notes = dict(_LEVELS), dict(_NOTES)
    if facts.get("scheduling") == "none":
        levels[Ability.SILENT_UPDATE] = Support.FULL
        del notes[Ability.SILENT_UPDATE]
    elif facts.get("scheduling") == "auto":
        levels[Ability.RESPOND] = Support.FULL
        del notes[Ability.RESPOND]
    if facts.get("preconditions") == "ignored":
        levels[Ability.CONDITIONAL_WRITE] = Support.PARTIAL
        notes[Ability.CONDITIONAL_WRITE] = "the server ignores some conditions, so calbridge looks before it writes"
    if service == "icloud":
        return Capabilities(levels, notes, fetch_batch=100, write_batch=100, parallel_writes=2)
    return Capabilities(levels, notes, fetch_batch=500, write_batch=500, parallel_writes=6)
