"""One switch for each oddity; the sections are those of the dossier on Google Calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Breakage = Literal["html", "not_json", "empty", "list", "deep", "huge"]


@dataclass
class Quirks:
    """How this Google differs from a simple one. May be changed while it runs."""

    refresh_token_only_first: bool = True
    """1: without prompt=consent a refresh token comes with the first consent only."""
    refresh_token_withheld: bool = False
    """1: no refresh token comes with another consent, whatever was asked for."""
    testing_state: bool = False
    """1: refresh tokens die after seven days."""
    refresh_rotates: bool = False
    """1 (abnormal): a refresh answers with another refresh token, too."""
    access_seconds: int = 3599

    page_size: int | None = None
    """3: pages hold fewer items than asked for."""
    empty_pages: bool = False
    """3: every other page is empty and carries a next token all the same."""
    exceptions_first: bool = False
    """3: exceptions come before their masters."""
    tells_exceptions_of_deleted: bool = False
    """10: when a series is deleted its exceptions are told, too, with an id only."""
    cancelled_instances_match_uid: bool = False
    """10: a listing by iCalUID shows cancelled instances."""
    tombstones_vanish: bool = False
    """4: after the delta nothing is known of what was deleted; its id is taken all the same."""

    on_master_move: Literal["keeps", "drops", "shifts"] = "drops"
    """4: what becomes of exceptions when time or rule of their master change."""
    exceptions_follow_master: bool = False
    """4: fields of the master are copied into exceptions that held the old value."""
    instance_touches_master: bool = False
    """5: writing an instance gives its master another etag."""
    revive_refused: bool = False
    """4: bringing a cancelled event back is forbidden (#1811)."""
    longest_series: int = 400
    """3: how many instances an endless series has."""
    exact_durations: bool = False
    """Instances last as long by the clock as the first one, not on the wall."""

    batch_shuffled: bool = False
    """8: the parts of a batch are done and answered in any order."""
    batch_loses_part: bool = False
    """8: one part of a batch is done without an answer."""

    sync_message_first: bool = True
    """7: the message of state `sync` comes before watch has answered."""
    stops_late: bool = False
    """7: one more message comes after a channel was stopped."""
    longest_channel: int = 604_800
    """7: seconds; what is asked beyond is cut."""

    lists_empty_once: bool = False
    """9: one full listing comes back empty, although there are events."""
    breakage: Breakage | None = None
    """Nonsense in place of good answers."""
    drip_seconds: float = 0.0
    """Pause between pieces of an answer."""
