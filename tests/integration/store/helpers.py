"""What the store's tests share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from calbridge.domain.content import MASTER, Content, Field, Span, content
from calbridge.domain.item import Item
from calbridge.domain.times import zoned
from calbridge.store.accounts import StoredAccount
from calbridge.store.database import Database
from calbridge.store.integrations import StoredIntegration
from calbridge.store.leases import Lease, Leases
from calbridge.store.run_store import SqlRunStore
from calbridge.store.runs import Run
from calbridge.store.users import User

KEY = "first-key-of-the-tests-0123456789abcdef"
OTHER_KEY = "second-key-of-the-tests-0123456789abcdef"
TENANT, USER, ACCOUNT, INTEGRATION = "acme", "alice", "a1", "i1"


@dataclass
class Clock:
    """Time that moves when it is told to."""

    moment: datetime = field(default_factory=lambda: datetime(2027, 1, 5, 9, tzinfo=UTC))

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def forward(self, **delta: float) -> None:
        """Move on."""
        self.moment += timedelta(**delta)


def event(title: str = "Visit", hour: int = 10) -> Content:
    """One hour on 2027-01-05 in Vienna."""
    start = zoned(datetime(2027, 1, 5, hour), "Europe/Vienna")
    return content({(MASTER, Field.TITLE): title, (MASTER, Field.TIME): Span(start, start.shifted(timedelta(hours=1)))})


def an_item(item_id: str, title: str = "Visit", user: str = USER, **facts: object) -> Item:
    """An appointment."""
    return Item(item_id, user, content=event(title), **facts)  # type: ignore[arg-type]


def fill(
    database: Database, tenant: str = TENANT, user: str = USER, integrations: tuple[str, ...] = (INTEGRATION,)
) -> None:
    """A tenant with a user, an account and connected integrations on calendars of their own."""
    with database.system_write() as system:
        if system.tenants.get(tenant) is None:
            system.tenants.add(tenant, tenant.title())
    with database.write(tenant) as work:
        if work.users.get(user) is None:
            work.users.add(User(user, name=user.title(), email=f"{user}@example.com", time_zone="Europe/Vienna"))
        account = f"{user}-{ACCOUNT}"
        if work.accounts.get(account) is None:
            work.accounts.add(StoredAccount(account, "caldav", user, user_id=user, url="https://example.com"), "secret")
        for each in integrations:
            work.integrations.add(
                StoredIntegration(
                    each, user, "caldav", account, active=True, status="connected", calendar_id=f"calendar of {each}"
                )
            )


def lease_of(database: Database, integration: str = INTEGRATION, seconds: float = 60, owner: str = "run-1") -> Lease:
    """A lease that must be free."""
    lease = Leases(database).acquire(TENANT, integration, owner, seconds)
    assert lease is not None
    return lease


def run_store(database: Database, integration: str = INTEGRATION, run_id: str = "r1") -> SqlRunStore:
    """The memory of a run that has just begun."""
    with database.write(TENANT) as work:
        if work.runs.get(run_id) is None:
            work.runs.add(Run(run_id, integration, "live", "manual", "running"))
    lease = lease_of(database, integration, owner=run_id)
    return SqlRunStore(database, TENANT, integration, lease, database.keys(TENANT), run_id)
