"""An installation in processes of its own that is linked with the Google double and reached by its pushes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from calbridge.service import changes, hosts, tenants, users
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge_google.tokens import Grant
from tests.doubles.google import GoogleDouble
from tests.doubles.google.times import Resource
from tests.e2e.fleet import ALICE, Fleet, fleet
from tests.servers.process import free_port
from tests.servers.waiting import eventually

TENANT, INTEGRATION = "acme", "i1"
HOST = "calbridge.example.com"


@dataclass
class GoogleFleet:
    """Alice's My Calendar and her Google Calendar, with what the change feed told so far."""

    at: Fleet
    google: GoogleDouble
    port: int
    cursor: str = "latest"

    def start(self, *, workers: int = 2) -> None:
        """The API, workers and a scheduler; ready when changes are pushed and nothing is left to do."""
        self.at.start("api")
        eventually(self._answers)
        self.at.start("worker", "--processes", str(workers))
        self.at.start("scheduler")
        self.at.ready(workers=workers, schedulers=1)
        eventually(lambda: self.pushed() and self.idle())

    def _answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def pushed(self) -> bool:
        """Whether the double tells of changes, and we know until when."""
        with self.at.parts.database.read(TENANT) as work:
            return bool(self.google.channels) and work.watches.pushed(INTEGRATION)

    def idle(self) -> bool:
        """Whether every trigger was taken up."""
        with self.at.parts.database.read(TENANT) as work:
            found = work.integrations.require(INTEGRATION)
        return found.fresh_as_of is not None and found.due_no == found.cleared

    def news(self) -> list[str]:
        """Titles of what the change feed tells since the last look."""
        page = changes.list_changes(self.at.parts, TENANT, cursor=self.cursor)
        self.cursor = page.next_cursor or self.cursor
        return [str(each.item["title"]) for each in page.data if each.item is not None]


def lunch(title: str) -> Resource:
    """An event of an hour."""
    return {
        "summary": title,
        "start": {"dateTime": "2027-01-05T12:00:00", "timeZone": "Europe/Vienna"},
        "end": {"dateTime": "2027-01-05T13:00:00", "timeZone": "Europe/Vienna"},
    }


@contextmanager
def google_fleet(google: GoogleDouble, database_url: str | None = None, **more: str) -> Iterator[GoogleFleet]:
    """An active integration on the double's calendar, reached by it; no process runs yet."""
    port = free_port()
    given = {
        "CALBRIDGE_PUBLIC_URL": f"https://{HOST}",
        "CALBRIDGE_PORT": str(port),
        "CALBRIDGE_GOOGLE_CLIENT_ID": google.client.id,
        "CALBRIDGE_GOOGLE_CLIENT_SECRET": google.client.secret,
        "CALBRIDGE_GOOGLE_API_URL": google.url,
        "CALBRIDGE_GOOGLE_OAUTH_URL": google.url,
        **more,
    }
    google.route(HOST, port)
    with fleet(database_url, **given) as at:
        tenants.create_tenant(at.parts, TENANT, "Acme")
        users.put_user(at.parts, TENANT, ALICE, time_zone="Europe/Vienna", calendar_sync=True)
        hosts.grant_host(at.parts, TENANT, google.url.removeprefix("http://").rstrip("/"))
        account = StoredAccount("a1", "google", google.user, user_id=ALICE, owner_id=google.sub)
        stored = StoredIntegration(
            INTEGRATION, ALICE, "google", "a1", active=True, status="connected", calendar_id=google.user
        )
        with at.parts.database.write(TENANT) as work:
            work.accounts.add(account, Grant(google.grant()).text)
            work.integrations.add(stored)
            work.raise_due(INTEGRATION)
        made = GoogleFleet(at, google, port)
        made.news()
        yield made
