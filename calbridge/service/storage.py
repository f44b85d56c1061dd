"""The storage of an account, for connectors that ask for it (contract C10)."""

from __future__ import annotations

from calbridge.connectors.contract import MOST_STORED
from calbridge.errors import Rejected, Unavailable
from calbridge.store.database import Database


class AccountStorage:
    """Each call is one short transaction; nothing is locked or open in between."""

    def __init__(self, database: Database, tenant: str, account_id: str) -> None:
        self._database = database
        self._tenant = tenant
        self._account_id = account_id

    def read(self) -> tuple[bytes | None, int]:
        """See Storage."""
        with self._database.read(self._tenant) as work:
            return work.connector_states.read(self._account_id)

    def write(self, content: bytes, expected_version: int) -> bool:
        """See Storage. Raises Rejected (``too_large``), Unavailable: the account is not stored (any more)."""
        if len(content) > MOST_STORED:
            raise Rejected(code="too_large")
        with self._database.write(self._tenant) as work:
            written = work.connector_states.write(self._account_id, content, expected_version)
        if written is None:
            raise Unavailable("the account is not stored")
        return written
