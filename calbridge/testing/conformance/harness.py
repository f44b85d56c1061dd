"""What the author of a connector gives to the kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from calbridge.connectors.contract import Connector, Notice, NoticeReader
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content, Unit, Value
from calbridge.domain.event import Event


class Door(Protocol):
    """Another way into the linked calendar, as a person's phone has it. It must not use the connector."""

    def create(self, content: Content) -> str:
        """Make an event with at least one property that calbridge does not know; its address."""

    def edit(self, remote_id: str, units: Mapping[Unit, Value]) -> str:
        """Change units; the address afterwards."""

    def delete(self, remote_id: str) -> None:
        """Delete it."""

    def events(self) -> Mapping[str, Event]:
        """All living events by address."""

    def extra(self, remote_id: str) -> Mapping[str, str]:
        """The properties of an event that calbridge does not know."""


class Harness(Protocol):
    """One empty calendar at a service that runs on this machine, made anew for each test."""

    @property
    def calendar(self) -> str:
        """The id of the linked calendar."""

    @property
    def phone(self) -> Door:
        """The other door to it."""

    @property
    def today(self) -> date:
        """The day it is at that service."""

    def connector(self) -> Connector:
        """A fresh connector for the account."""

    def refused(self) -> Connector:
        """A fresh connector whose secret the service refuses."""

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        """A fresh connector told to find its service at ``url`` over ``transport``; None: it needs no network."""

    def mails(self) -> int:
        """How many mails the service has sent to guests."""


@runtime_checkable
class InvitedHarness(Harness, Protocol):
    """A harness for connectors that claim ``RESPOND``."""

    @property
    def owner(self) -> str:
        """The address under which the account's owner is invited."""


@runtime_checkable
class WatchedHarness(Harness, Protocol):
    """A harness for connectors that claim ``PUSH``."""

    @property
    def now(self) -> datetime:
        """The time at that service, aware."""

    @property
    def reader(self) -> NoticeReader:
        """What the connector's spec names as ``notices``."""

    def pushed(self) -> Sequence[Notice]:
        """What the service sent to any notification address since the last call, as it would come in there."""
