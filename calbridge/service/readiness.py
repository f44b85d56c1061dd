"""Whether an installation can work."""

from __future__ import annotations

from calbridge.service.parts import Parts
from calbridge.store import migrate


def check_ready(parts: Parts) -> None:
    """Raises DatabaseUnusable where the database can't be reached or has other tables than this version's, and
    SecretUnreadable where the keys are not those of this installation.
    """
    migrate.check(parts.database)
    parts.database.check_keys()
