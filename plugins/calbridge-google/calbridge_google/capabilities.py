"""What Google Calendar can do (SYNC C7)."""

from __future__ import annotations

from calbridge.connectors.capabilities import Ability, Capabilities, Support
from calbridge_google.limits import BATCH_PARTS

CAPABILITIES = Capabilities(
    {
        Ability.SILENT_UPDATE: Support.FULL,
        Ability.CHOOSES_ADDRESS: Support.FULL,
        Ability.STABLE_ADDRESS: Support.FULL,
        Ability.WHOLE_MOVES: Support.NONE,
        Ability.CONDITIONAL_WRITE: Support.FULL,
        Ability.RECURRENCE: Support.FULL,
        Ability.ATOMIC_SERIES: Support.NONE,
        Ability.MODIFIED_TIME: Support.PARTIAL,
        Ability.DELTA: Support.FULL,
        Ability.RESPOND: Support.FULL,
        Ability.PUSH: Support.FULL,
    },
    {Ability.MODIFIED_TIME: "the answers of guests count as changes, those of reminders do not"},
    fetch_batch=BATCH_PARTS,
    write_batch=BATCH_PARTS,
    parallel_writes=1,
)
"""``parallel_writes`` is 1 because a batch is one request."""
