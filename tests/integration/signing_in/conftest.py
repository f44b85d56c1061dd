"""calbridge over TLS on loopback, with the Google connector and the double behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from calbridge.api import create_app
from calbridge.service import hosts, tenants, tick, users
from calbridge.service.access import Role
from calbridge.service.keys import create_key
from calbridge.service.parts import Parts, open_parts
from calbridge.service.tokens import issue_token
from calbridge.service.views_installation import TickReport
from calbridge.settings import load_settings
from calbridge.store.changes import Raised
from calbridge.store.migrate import upgrade
from tests.doubles.caldav.certificate import server_context
from tests.doubles.google import Client, GoogleDouble, google_double
from tests.integration.service.world import KEY, TestClock, at
from tests.servers.process import free_port

from .browser import Browser, Shown

TENANT, ALICE, COMPANY = "acme", "alice", "Acme IT"
PSA = "https://psa.example.com"
BACK = f"{PSA}/calendar?tab=sync"
ALLOW, DENY = ("act", "allow"), ("act", "deny")
YES, NO = ("word", "connect"), ("word", "cancel")


class Told:
    """A dispatcher that remembers what it was told."""

    def __init__(self) -> None:
        self.due_ids: list[str] = []

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        self.due_ids += [each.integration_id for each in raised]

    def queued(self) -> Mapping[str, int] | None:
        return None

    def deliveries(self, tenant: str) -> None:
        """Nothing is listened to here."""


@dataclass
class World:
    """An installation, Google, and short words for what people do."""

    parts: Parts
    url: str
    google: GoogleDouble
    clock: TestClock
    told: Told
    authority: Path
    key: str
    stack: ExitStack
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.new_browser()

    def new_browser(self) -> Browser:
        browser = Browser(self.authority)
        self.stack.callback(browser.close)
        return browser

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> requests.Response:
        """One request of the PSA."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self.authority)
            headers = {"Authorization": f"Bearer {key or self.key}"}
            return session.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=30)

    def add(self, user_id: str = ALICE) -> str:
        """A new integration that waits for somebody to sign in."""
        made = self.call("POST", "/v1/integrations", {"user_id": user_id, "service": "google"})
        assert made.status_code == 201, made.text
        assert made.json()["status"] == "setup"
        return str(made.json()["id"])

    def address(self, integration: str, **body: object) -> str:
        """Of the sign-in page."""
        answer = self.call("POST", f"/v1/integrations/{integration}/authorization", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorize_url"])

    def consent_page(self, integration: str, **body: object) -> Shown:
        """Google's page, by way of ours."""
        return self.browser.follow(self.browser.open(self.address(integration, **body)))

    def asked(self, integration: str, *, account: str | None = None, **body: object) -> Shown:
        """The question after the consent."""
        page = self.consent_page(integration, **body)
        return self.browser.submit(page, ALLOW, **({"account": account} if account else {}))

    def connect(self, integration: str, **more: Any) -> Shown:
        """The whole way."""
        return self.browser.submit(self.asked(integration, **more), YES)

    def linked(self) -> str:
        """An integration on alice's calendar whose first run is over, with an entry on each side."""
        integration = self.add()
        assert "Connected" in self.connect(integration).words
        choice = {"calendar_id": self.google.user, "active": True}
        assert self.call("PATCH", f"/v1/integrations/{integration}", choice).status_code == 200
        self.tick()
        self.google.insert(meeting("Lunch"))
        body = {"type": "appointment", "title": "Visit", "start": at("2027-03-02"), "end": at("2027-03-02", "11:00")}
        assert self.call("PUT", f"/v1/users/{ALICE}/items/ext:visit", body).status_code == 201
        assert self.tick().succeeded == 1
        assert self.titles() == self.event_titles() == ["Lunch", "Visit"]
        return integration

    def tick(self) -> TickReport:
        """Everything that is due after an hour and a bit: what is pushed is polled once in that time."""
        self.clock.advance(minutes=70)
        return tick.tick(self.parts)

    def show(self, integration: str) -> dict[str, Any]:
        answer = self.call("GET", f"/v1/integrations/{integration}")
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    def state_of(self, integration: str) -> tuple[str, str | None]:
        shown = self.show(integration)
        return shown["status"], shown["reason"]

    def secret(self, integration: str) -> str | None:
        with self.parts.database.read(TENANT) as work:
            account_id = work.integrations.require(integration).account_id
            return work.accounts.secret(account_id) if account_id else None

    def links(self, integration: str) -> list[tuple[str, str, str]]:
        rows = self.call("GET", f"/v1/integrations/{integration}/links").json()["data"]
        return sorted((row["item_id"], row["state"], row["remote_id"]) for row in rows)

    def titles(self) -> list[str]:
        return sorted(each["title"] for each in self.call("GET", f"/v1/users/{ALICE}/items").json()["data"])

    def event_titles(self) -> list[str]:
        return sorted(each["summary"] for each in self.google.events().values())

    def token(self, user_id: str = ALICE) -> str:
        return issue_token(self.parts, TENANT, user_id).token


def meeting(title: str) -> dict[str, Any]:
    """An hour, as Google's own page makes it."""
    day = "2027-03-01"
    return {"summary": title, "start": _moment(day, 10), "end": _moment(day, 11)}


def _moment(day: str, hour: int) -> dict[str, str]:
    return {"dateTime": f"{day}T{hour:02}:00:00", "timeZone": "Europe/Vienna"}


@contextmanager
def _serving(parts: Parts, port: int, folder: Path) -> Iterator[None]:
    server = make_server("127.0.0.1", port, create_app(parts), threaded=True, ssl_context=server_context(folder, []))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Opens = Callable[..., World]


@pytest.fixture
def open_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opens]:
    """Opens an installation over an empty database; names of settings are given without their prefix."""
    with ExitStack() as stack:

        def opening(database_url: str | None = None, **more: str) -> World:
            port = free_port()
            url = f"https://127.0.0.1:{port}"
            client = Client(redirect_uris=(f"{url}/v1/oauth/callback",))
            google = stack.enter_context(google_double(client=client))
            ours = {
                "DATA_DIR": str(tmp_path),
                "DATABASE_URL": database_url or f"sqlite:///{tmp_path / 'calbridge.db'}",
                "SECRET_KEYS": KEY,
                "PRIVATE_NETWORKS": "127.0.0.1/32",
                "PUBLIC_URL": url,
                **more,
            }
            registered = {
                "CLIENT_ID": client.id, "CLIENT_SECRET": client.secret, "API_URL": google.url, "OAUTH_URL": google.url
            }  # fmt: skip
            for name, value in registered.items():
                monkeypatch.setenv(f"CALBRIDGE_GOOGLE_{name}", value)
            clock, told = TestClock(datetime.now(UTC)), Told()
            settings = load_settings({f"CALBRIDGE_{name}": value for name, value in ours.items()})
            parts = stack.enter_context(open_parts(settings, clock=clock, dispatcher=told))
            upgrade(parts.database)
            furnish(parts, google)
            stack.enter_context(_serving(parts, port, tmp_path))
            key = create_key(parts, TENANT, Role.BACKEND, "PSA").key
            return World(parts, url, google, clock, told, tmp_path / "ca.pem", key, stack)

        yield opening


def furnish(parts: Parts, google: GoogleDouble) -> None:
    """A tenant with alice and bob, whose page is the PSA's, and a way to the double."""
    tenants.create_tenant(parts, TENANT, COMPANY)
    users.put_user(parts, TENANT, ALICE, name="Alice Anders", email="alice@acme.example", time_zone="Europe/Vienna")
    users.put_user(parts, TENANT, "bob", name="Bob")
    hosts.grant_host(parts, TENANT, google.url.split("/")[2])
    from calbridge.service.tenant_settings import change_settings

    change_settings(parts, TENANT, {"allowed_origins": [PSA]})


@pytest.fixture
def world(open_world: Opens) -> World:
    """An installation on SQLite."""
    return open_world()
