"""calbridge as it is measured: an installation in a folder, with one user whose calendar is linked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from calbridge.app import upgrade_database
from calbridge.domain.content import MASTER, Field, Span, Text, Unit, Value, content
from calbridge.domain.item import Item
from calbridge.domain.times import zoned
from calbridge.service.accounts import sign_in
from calbridge.service.hosts import grant_host
from calbridge.service.parts import Parts, open_parts
from calbridge.service.sync import Range, sync_integration
from calbridge.service.views import RunView
from calbridge.settings import Settings, load_settings
from calbridge.store.accounts import StoredAccount
from calbridge.store.changes import Source
from calbridge.store.integrations import StoredIntegration
from calbridge.store.items import ItemFilter
from calbridge.store.users import User
from tools.benchmark.events import begins

TENANT, USER, ACCOUNT, INTEGRATION = "acme", "alice", "account", "integration"
ALL: Range = (None, None)
_BENCH = Source("api")
_PAGE = 500


class RunFailed(Exception):
    """A run did not succeed: nothing was measured."""


def settings_for(folder: Path) -> Settings:
    """Settings of an installation in ``folder``, whatever the environment says; loopback may be granted."""
    given = {"DATA_DIR": str(folder), "PRIVATE_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "error"}
    return load_settings({f"CALBRIDGE_{name}": value for name, value in given.items()})


@dataclass
class CalbridgeSide:
    """One linked calendar. Every method is one act of a person or of the service."""

    parts: Parts

    def link(self, url: str, username: str, password: str, calendar: str) -> None:
        """Make tenant, user, account and an active integration with the calendar at that path."""
        place = urlsplit(url)
        with self.parts.database.system_write() as system:
            system.tenants.add(TENANT, "Acme")
        with self.parts.database.write(TENANT) as work:
            work.users.add(User(USER, name="Alice", email="alice@example.com", time_zone="Europe/Vienna"))
        grant_host(self.parts, TENANT, f"{place.hostname}:{place.port}")
        wanted = StoredAccount(ACCOUNT, "caldav", username, user_id=USER, url=url)
        account = sign_in(self.parts, TENANT, USER, wanted, password)
        with self.parts.database.write(TENANT) as work:
            work.accounts.add(account, password)
            work.integrations.add(
                StoredIntegration(
                    INTEGRATION, USER, "caldav", ACCOUNT, active=True, status="connected", calendar_id=calendar
                )
            )

    def run(self, *, retrieve: bool = False, send: bool = False) -> RunView:
        """One run, with ranges over everything where they are asked. :raises RunFailed: it did not succeed."""
        done = sync_integration(
            self.parts, TENANT, INTEGRATION, retrieve=ALL if retrieve else None, send=ALL if send else None
        )
        if done.status != "succeeded":
            raise RunFailed(f"{done.status}: {done.reason}")
        return done

    def add_items(self, numbers: Iterable[int]) -> None:
        """Appointments that a PSA puts into My Calendar."""
        with self.parts.database.write(TENANT) as work:
            for number in numbers:
                work.items.add(_appointment(number), _BENCH)

    def edit_items(self, count: int, title: str) -> None:
        """Give the last ``count`` living items another title."""
        with self.parts.database.write(TENANT) as work:
            for item in self._items()[-count:]:
                changed = item.content.with_units({(MASTER, Field.TITLE): f"{title} {item.content.title}"})
                work.items.put(replace(item, content=changed), _BENCH)

    def titles(self) -> list[str]:
        """Titles of all living items, in order."""
        return sorted(item.content.title for item in self._items())

    def _items(self) -> list[Item]:
        found: list[Item] = []
        with self.parts.database.read(TENANT) as work:
            while page := work.items.list(USER, ItemFilter(), found[-1].id if found else None, _PAGE):
                found += page
        return sorted(found, key=lambda item: (str(item.content.span), item.id))


def _appointment(number: int) -> Item:
    start = zoned(begins(number), "Europe/Vienna")
    said: dict[Unit, Value] = {
        (MASTER, Field.TITLE): f"Service call {number}",
        (MASTER, Field.TEXT): Text(f"What has to be done at customer {number}"),
        (MASTER, Field.LOCATION): f"Street {number % 17}",
        (MASTER, Field.TIME): Span(start, start.shifted(timedelta(minutes=45))),
    }
    return Item(f"call-{number:06}", USER, content=content(said))


@contextmanager
def new_side(folder: Path) -> Iterator[CalbridgeSide]:
    """A fresh installation in ``folder``."""
    upgrade_database(settings_for(folder))
    with open_side(folder) as side:
        yield side


@contextmanager
def open_side(folder: Path) -> Iterator[CalbridgeSide]:
    """The installation in ``folder``, as a process of its own would open it."""
    with open_parts(settings_for(folder)) as parts:
        yield CalbridgeSide(parts)
