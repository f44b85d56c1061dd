"""Kills a sync again and again while both sides go on working, and looks at what has become of the calendars."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import func, select

from calbridge.app import upgrade_database
from calbridge.service import hosts, integrations, items, sync, tenants, users
from calbridge.service.parts import Parts, open_parts
from calbridge.settings import load_settings
from calbridge.store.database import Database
from calbridge.store.leases import Leases
from calbridge.store.sql import database_micros
from calbridge.store.tables import intents, leases, links
from tests.e2e.runner import TENANT, Runner, runner
from tests.e2e.sides import KEPT, USER, Phone, Psa
from tests.e2e.story import SIDES, Side, Story
from tests.servers.radicale import radicale

LEASE_SECONDS = 2.0
REQUEST_SECONDS = 1.5
KEY = "k" * 40
PASSWORD = "secret of alice"
FIRST = 8
QUIET_ROUNDS = 8
TRIES = 5
LATER = timedelta(minutes=20)
DEAD_SIGNAL = -signal.SIGKILL


class MovedClock:
    """The time of this machine, and what the world is ahead of it: pauses between tries need not be waited for."""

    ahead = timedelta()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """An installation, a calendar server, and the story that is played on them."""

    parts: Parts
    clock: MovedClock
    integration: str
    runner: Runner
    phone: Phone
    psa: Psa
    story: Story
    random: Random
    kills: int = 0
    whole: int = 0
    """Runs that came to their end before they were killed."""

    def work(self) -> None:
        """Both sides do something more."""
        for side in SIDES:
            for step in self.story.steps(side, self.visible(side)):
                self._side(side).do(step, self.story.appointments[step.code])

    def begin(self) -> None:
        """What is there before the first run."""
        for number in range(FIRST):
            side = SIDES[number % 2]
            step = self.story.create(side)
            self._side(side).do(step, self.story.appointments[step.code])

    def visible(self, side: Side) -> set[str]:
        """Codes that a side can see."""
        return set(self._side(side).codes())

    def _side(self, side: Side) -> Phone | Psa:
        return self.phone if side == "phone" else self.psa

    def until_free(self) -> None:
        """Wait until a killed run's lease is over: it may not take longer than a lease lasts."""
        left = seconds_left(self.parts.database)
        assert left <= LEASE_SECONDS
        time.sleep(max(0.0, left))
        assert not Leases(self.parts.database).held(TENANT, self.integration)

    def quiet(self) -> int:
        """Run until nothing is written any more; gives the number of runs that wrote."""
        for number in range(QUIET_ROUNDS):
            self.clock.ahead += LATER
            run = sync.sync_integration(self.parts, TENANT, self.integration)
            assert run.status == "succeeded", run
            if not any(count for name, count in run.counters.items() if name.startswith(("items_", "events_"))):
                return number
        raise AssertionError(f"it is not quiet: {run.counters}")


def seconds_left(database: Database) -> float:
    """For how long the lease of the only integration still stands; 0 where nobody holds it."""
    with database.connect(writes=False) as connection:
        row = connection.execute(select(leases.c.owner, leases.c.expires_at)).one_or_none()
        if row is None or row.owner is None:
            return 0.0
        return float(row.expires_at - database_micros(connection)) / 1_000_000


@contextmanager
def world(folder: Path, database_url: str | None, seed: int) -> Iterator[World]:
    """An integration of alice between My Calendar and an empty calendar, ready for its first run."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)
    with radicale(folder / "radicale", users={USER: PASSWORD}) as server:
        calendar = server.make_calendar("phone")
        environment = environment_for(folder, database_url)
        settings = load_settings(environment)
        upgrade_database(settings)
        clock = MovedClock()
        # Only what is killed must be taken over soon; the test's own runs shall not fail on a busy machine.
        patient = replace(settings, lease_seconds=60.0, request_timeout=30.0)
        with open_parts(patient, clock=clock, random=random) as parts:
            furnish(parts, f"127.0.0.1:{server.port}")
            integration = linked(parts, server.url, USER, PASSWORD)
            with runner(environment, integration, folder / "runs.log") as running:
                yield World(
                    parts, clock, integration, running, Phone(server, calendar), Psa(parts), Story(random), random
                )


def environment_for(folder: Path, database_url: str | None) -> dict[str, str]:
    """The settings of a process on this installation."""
    given = {
        "DATA_DIR": str(folder),
        "SECRET_KEYS": KEY,
        "PRIVATE_NETWORKS": "127.0.0.0/8",
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        **({"DATABASE_URL": database_url} if database_url else {}),
    }
    return {f"CALBRIDGE_{name}": value for name, value in given.items()}


def furnish(parts: Parts, host: str) -> None:
    """A tenant that may reach this host, with its user alice."""
    tenants.create_tenant(parts, TENANT, "Acme IT")
    users.put_user(parts, TENANT, USER, email="alice@example.com", time_zone="Europe/Vienna")
    hosts.grant_host(parts, TENANT, host)


def linked(parts: Parts, url: str, username: str, password: str) -> str:
    """An active integration with the account's first calendar; gives its id."""
    account = {"url": url, "username": username, "password": password}
    made = integrations.add_integration(parts, TENANT, user_id=USER, service="caldav", account=account)
    (calendar, *_) = integrations.list_calendars(parts, TENANT, made.id)
    integrations.change_integration(parts, TENANT, made.id, calendar_id=calendar.id, active=True)
    return made.id


def play(at: World, kills: int) -> None:
    """The first range and everything that follows, each run killed at another part of its time."""
    at.begin()
    everything = {"retrieve": [None, None], "send": [None, None]}
    moments = [(number + at.random.random()) / kills for number in range(kills)]
    at.random.shuffle(moments)
    sync.confirm(at.parts, TENANT, at.integration)
    lasted, task = _measure(at, everything), everything
    while moments:
        items.confirm_deletes(at.parts, TENANT)
        at.work()
        at.until_free()
        if _killed(at, moments[-1] * lasted, task):
            moments.pop()
        else:
            # It was quicker than the one that was measured.
            lasted *= 0.9
        at.random.shuffle(moments)
        task = everything if at.random.random() < 0.2 else {}
        assert at.whole <= 3 * kills + 10, "hardly any run is killed"
    at.until_free()


def _measure(at: World, task: Mapping[str, object]) -> float:
    """How long a run takes that nobody kills, in seconds."""
    for _ in range(TRIES):
        begun = time.monotonic()
        run = at.runner.run(**task)
        if run["reason"] != "timed_out":
            break
    assert run["status"] == "succeeded", run
    return time.monotonic() - begun


def _killed(at: World, after: float, task: Mapping[str, object]) -> bool:
    at.runner.start(**task)
    ended = at.runner.ended(after)
    if ended is None:
        at.runner.signal(signal.SIGKILL)
        ended = at.runner.ended()
    assert ended is not None
    if ended.code == DEAD_SIGNAL:
        at.kills += 1
        return True
    at.whole += 1
    assert ended.run is not None
    assert ended.run["status"] in {"succeeded", "failed"}, ended.run
    assert ended.run["reason"] in {None, "timed_out"}, ended.run
    return False


def look(at: World) -> None:
    """Nothing is doubled, lost or back from the dead; both sides mean the same; nothing is left unfinished."""
    living = {code for code, each in at.story.appointments.items() if each.alive}
    for side in (at.phone, at.psa):
        found = side.codes()
        assert {code: places for code, places in found.items() if len(places) > 1} == {}, "doubled"
        assert living - found.keys() == set(), "lost"
        assert found.keys() & at.story.dead() == set(), "back from the dead"
        assert side.entries() == at.story.entries()
    made_there = [path for path in at.phone.folder.glob("e*.ics") if path.stem in living]
    assert [path.name for path in made_there if KEPT.encode() not in path.read_bytes()] == []
    with at.parts.database.connect(writes=False) as connection:
        assert connection.execute(select(func.count()).select_from(intents)).scalar_one() == 0
        states = select(links.c.state).where(links.c.live.is_(True)).distinct()
        assert set(connection.scalars(states)) == {"synced"}
    assert seconds_left(at.parts.database) <= 0
    assert "Traceback" not in at.runner.log.read_text()
    assert "run_broke" not in at.runner.log.read_text()
