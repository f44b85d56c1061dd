"""How lossy the memory connector is (C8): one switch per loss, all off by default."""

from __future__ import annotations

from dataclasses import dataclass

from calbridge.connectors.capabilities import Ability, Capabilities, Support


@dataclass(frozen=True, slots=True)
class Switches:
    """One switch per loss. A ``float`` is the chance (0 to 1) that it happens at a call."""

    renames_zones: bool = False
    """Europe/Vienna comes back as Europe/Berlin: the same offsets under another name."""
    rewrites_html: bool = False
    """Descriptions come back as HTML of the service's own making."""
    truncates_titles: int | None = None
    """Titles are cut to so many characters."""
    drops_categories: bool = False
    splits_series_into_fragments: bool = False
    """A changed series is listed several times, each time without event and version."""
    drops_exceptions_on_time_change: bool = False
    """Writing another time or rule to a series loses its overrides: the result is partial."""
    changes_ids: bool = False
    """An event whose time is changed gets another address."""
    repeats_and_reorders: bool = False
    """Changes come several times and in any order; empty pages come in between."""
    server_made_ids: bool = False
    """The service makes address and UID: ``place`` answers None."""
    no_versions: bool = False
    version_restarts: bool = False
    """Whenever cursors expire every event gets another version although nothing was edited."""
    ignores_preconditions: bool = False
    """The version given with a write is not looked at."""
    loses_reply: float = 0.0
    """The write is applied, no result arrives."""
    loses_request: float = 0.0
    """The write is not applied, no result arrives."""
    half_written_series: float = 0.0
    """Only the master is written; the result is partial or lost."""
    throttles: float = 0.0
    unavailable: float = 0.0
    """A call answers ``Unavailable``; of the writes it hits, some were applied."""
    page_size: int = 50
    checkpoints: bool = True
    events_inline: bool = True
    """Changes carry the whole event, where they are not fragments."""
    horizon_days: int | None = None
    """Only a view [window start, today + so many days) is listed; leaving it is an unsure ``Gone``."""
    cancelled_becomes_deletion: bool = False
    """Writing the status cancelled deletes the event, which the next delta reports."""
    fetch_unknown: float = 0.0
    """``fetch`` has no answer about an address."""
    rewrites_after_write: bool = False
    """The reply shows what was written; the service makes ``normalise`` of it afterwards, with another version."""
    silent: bool = True
    """Writes to events that have guests mail nobody (SILENT_UPDATE)."""
    modified_times: bool = True
    stable_addresses: bool = False
    """The service promises that addresses never change; the phone's ``move_address`` is refused then."""
    whole_moves: bool = False
    """A delta that says an event left its address shows it at the new one (``delay_seen_of_moves`` would be a lie)."""
    pushes: bool = True
    """The service tells subscribers of changes (PUSH)."""
    masks_private: bool = False
    """Of private events this account sees the times alone, and may not write them."""
    rejects_titles_with: str | None = None
    """Writes of a title that contains this are refused for good."""


LOSSES: dict[str, Switches] = {
    "renames_zones": Switches(renames_zones=True),
    "rewrites_html": Switches(rewrites_html=True),
    "truncates_titles": Switches(truncates_titles=40),
    "drops_categories": Switches(drops_categories=True),
    "splits_series_into_fragments": Switches(splits_series_into_fragments=True),
    "drops_exceptions_on_time_change": Switches(drops_exceptions_on_time_change=True),
    "changes_ids": Switches(changes_ids=True),
    "repeats_and_reorders": Switches(repeats_and_reorders=True),
    "server_made_ids": Switches(server_made_ids=True),
    "no_versions": Switches(no_versions=True),
    "version_restarts": Switches(version_restarts=True),
    "ignores_preconditions": Switches(ignores_preconditions=True),
    "loses_reply": Switches(loses_reply=0.4),
    "loses_request": Switches(loses_request=0.4),
    "half_written_series": Switches(half_written_series=0.5),
    "throttles": Switches(throttles=0.3),
    "unavailable": Switches(unavailable=0.3),
    "page_size": Switches(page_size=1),
    "checkpoints": Switches(checkpoints=False, page_size=2),
    "events_inline": Switches(events_inline=False),
    "horizon_days": Switches(horizon_days=180),
    "cancelled_becomes_deletion": Switches(cancelled_becomes_deletion=True),
    "fetch_unknown": Switches(fetch_unknown=0.4),
    "rewrites_after_write": Switches(rewrites_after_write=True, truncates_titles=40, renames_zones=True),
    "silent": Switches(silent=False),
    "modified_times": Switches(modified_times=False),
    "stable_addresses": Switches(stable_addresses=True),
    "whole_moves": Switches(whole_moves=True),
    "pushes": Switches(pushes=False),
    "rejects_titles_with": Switches(rejects_titles_with="forbidden"),
}
"""Each switch by itself, turned on (or off, where on is the rule)."""


def capabilities(switches: Switches) -> Capabilities:
    """What a service with these switches can promise."""

    def full(holds: bool) -> Support:
        return Support.FULL if holds else Support.NONE

    whole = not switches.drops_exceptions_on_time_change and not switches.half_written_series
    conditional = not switches.ignores_preconditions and not switches.no_versions
    return Capabilities(
        levels={
            Ability.SILENT_UPDATE: full(switches.silent),
            Ability.CHOOSES_ADDRESS: full(not switches.server_made_ids),
            Ability.STABLE_ADDRESS: full(switches.stable_addresses and not switches.changes_ids),
            Ability.WHOLE_MOVES: full(switches.whole_moves),
            Ability.CONDITIONAL_WRITE: full(conditional),
            Ability.RECURRENCE: Support.FULL,
            Ability.ATOMIC_SERIES: full(whole),
            Ability.MODIFIED_TIME: full(switches.modified_times),
            Ability.DELTA: Support.FULL,
            Ability.RESPOND: Support.FULL,
            Ability.PUSH: full(switches.pushes),
        },
        fetch_batch=10,
        write_batch=5,
        parallel_writes=1,
        horizon_days=switches.horizon_days,
    )
