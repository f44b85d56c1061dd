"""The command line in this process, with an installation of its own and a real calendar server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from calbridge.cli.main import main
from tests.servers.calendar_server import CalendarServer
from tests.servers.process import free_port
from tests.servers.radicale import radicale

PASSWORD = "secret of alice"


@dataclass(frozen=True)
class Calbridge:
    """Calls verbs as a person would, in an environment that holds only what is said here."""

    environment: Mapping[str, str | None]

    def call(self, *words: str, stdin: str = "", **environ: str) -> Result:
        """One verb, whatever its exit code."""
        return CliRunner().invoke(main, list(words), env={**self.environment, **environ}, input=stdin)

    def text(self, *words: str, **more: str) -> str:
        """What a verb that succeeds prints for people."""
        done = self.call(*words, **more)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *words: str, **more: str) -> Any:
        """The answer of a verb that succeeds, for programs."""
        return json.loads(self.text(*words, "--json", **more))


@pytest.fixture
def empty(tmp_path: Path, quiet_again: None) -> Calbridge:
    """An installation without a database."""
    clean = {"CALBRIDGE_TENANT": None, "CALBRIDGE_PASSWORD": None, "CALBRIDGE_LOG_LEVEL": None}
    ours = {"CALBRIDGE_DATA_DIR": str(tmp_path / "data"), "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.1/32"}
    # A port of its own: the doctor looks whether it is free.
    ours["CALBRIDGE_PORT"] = str(free_port())
    return Calbridge(clean | ours)


@pytest.fixture
def calbridge(empty: Calbridge) -> Calbridge:
    """An installation with one tenant, `acme`, and its user alice in Vienna."""
    empty.text("db", "upgrade")
    empty.text("tenants", "create", "acme", "--name", "Acme IT")
    empty.text("users", "put", "alice", "--email", "alice@example.com", "--time-zone", "Europe/Vienna")
    return empty


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """A running Radicale of alice."""
    with radicale(tmp_path_factory.mktemp("radicale"), users={"alice": PASSWORD}) as running:
        yield running


@dataclass(frozen=True)
class Linked:
    """A linked calendar: the id of the integration, and the calendar's address on the server."""

    calbridge: Calbridge
    server: CalendarServer
    calendar: str
    integration: str


@pytest.fixture
def linked(calbridge: Calbridge, server: CalendarServer) -> Linked:
    """Alice's My Calendar and a new calendar of hers, linked and active."""
    calendar = server.new_calendar()
    calbridge.text("hosts", "grant", f"127.0.0.1:{server.port}")
    account = ("--url", server.url, "--username", "alice", "--password-stdin")
    user = ("--user", "alice", "--service", "caldav")
    made = calbridge.json("integrations", "add", *user, *account, stdin=PASSWORD)
    calendars = calbridge.json("integrations", "calendars", made["id"])["data"]
    name = calendar.rstrip("/").rpartition("/")[2]
    chosen = next(each["id"] for each in calendars if name in each["id"])
    calbridge.text("integrations", "set", made["id"], "--calendar", chosen, "--active")
    return Linked(calbridge, server, calendar, made["id"])
