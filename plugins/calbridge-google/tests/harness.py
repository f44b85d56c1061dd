"""The Google double as the kit's harness."""

from __future__ import annotations

from datetime import UTC, date, datetime

from calbridge.connectors.contract import Account, Connector, Notice, NoticeReader
from calbridge.connectors.transport import Transport
from calbridge_google.connector import GoogleConnector
from calbridge_google.notices import read_notice
from calbridge_google.tokens import Grant
from tests.doubles.google import GoogleDouble

from .door import Page
from .support import account


class GoogleHarness:
    """One empty calendar of a fresh double."""

    def __init__(self, double: GoogleDouble, sending: Transport) -> None:
        self._double = double
        self._transport = sending
        self._account = account(double)
        self.calendar = double.user
        self.owner = double.user
        self.phone = Page(double)
        self._heard = 0

    @property
    def today(self) -> date:
        return datetime.now(UTC).date()

    def connector(self) -> Connector:
        return GoogleConnector(self._account, self._transport)

    def refused(self) -> Connector:
        return GoogleConnector(account(self._double, Grant("1//dead").text), self._transport)

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        given = {"client_id": "id", "client_secret": "secret", "api_url": url, "oauth_url": url}
        return GoogleConnector(Account("google", None, "alice", Grant("1//any").text, settings=given), transport)

    @property
    def now(self) -> datetime:
        return self._double.now()

    @property
    def reader(self) -> NoticeReader:
        return read_notice

    def pushed(self) -> list[Notice]:
        fresh = self._double.messages[self._heard :]
        self._heard += len(fresh)
        return [Notice({name.lower(): value for name, value in each.headers.items()}) for each in fresh]

    def mails(self) -> int:
        """Without what the organiser is told of an answer."""
        return sum(act != "answer" for act, _, _ in self._double.mails)
