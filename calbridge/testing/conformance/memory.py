"""The memory service as the kit's harness: an example, and what the kit itself is tested with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from random import Random

from calbridge.connectors.contract import Connector, Notice, NoticeReader
from calbridge.connectors.transport import Transport
from calbridge.testing.memory import MAIN, OWNER_ADDRESS, MemoryConnector, MemoryService, Phone, Switches
from calbridge.testing.memory.pushing import read_notice


class MemoryHarness:
    """A :class:`~calbridge.testing.conformance.harness.Harness` over a fresh memory service."""

    def __init__(self, switches: Switches | None = None, seed: int = 0) -> None:
        self.service = MemoryService(switches, Random(seed))

    @property
    def calendar(self) -> str:
        """The only calendar."""
        return MAIN

    @property
    def owner(self) -> str:
        """The owner of every memory service."""
        return OWNER_ADDRESS

    @property
    def phone(self) -> Phone:
        """The service's other door."""
        return self.service.phone

    @property
    def today(self) -> date:
        """By the service's clock."""
        return self.service.now.date()

    def connector(self) -> Connector:
        """One more client."""
        return MemoryConnector(self.service)

    def refused(self) -> Connector:
        """A client of a service that refuses everybody."""
        refusing = MemoryService(self.service.switches, self.service.random)
        refusing.refuse_sign_in(confirmed=True)
        return MemoryConnector(refusing)

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        """None: there is no network."""
        return None

    @property
    def now(self) -> datetime:
        """By the service's clock."""
        return self.service.now

    @property
    def reader(self) -> NoticeReader:
        """Of every memory service."""
        return read_notice

    def pushed(self) -> Sequence[Notice]:
        """Notices that are under way."""
        return [Notice(each.headers) for each in self.service.take_pushed()]

    def mails(self) -> int:
        """Mails to guests so far."""
        return len(self.service.mails)
