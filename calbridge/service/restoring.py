"""After a backup was put back."""

from __future__ import annotations

from calbridge.service.parts import Parts
from calbridge.service.tenants import list_tenants
from calbridge.store.watches import doubt_all


def restored(parts: Parts) -> int:
    """Make every cursor of the change feed void that was given out before (SYNC E3): what it stood for may be gone; and
    have all push subscriptions made anew, as those of the backup may have ended.

    Gives the number of tenants. Nothing else is needed: calendars are compared with what the backup remembers.
    Raises DatabaseUnusable.
    """
    with parts.database.system_write() as system:
        system.tenants.start_epoch()
        doubt_all(system.connection, system.now)
    return len(list_tenants(parts))
