"""Google pushes over HTTP to an installation of real processes, and what changed there is in the change feed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calbridge.service import integrations, runs
from tests.doubles.google import GoogleDouble, google_double
from tests.e2e.databases import postgresql
from tests.e2e.google_fleet import INTEGRATION, TENANT, GoogleFleet, google_fleet, lunch
from tests.servers.waiting import eventually


@pytest.fixture
def google() -> Iterator[GoogleDouble]:
    with google_double() as double:
        yield double
        assert double.breaches == []


@pytest.fixture(params=["sqlite", "postgresql"])
def linked(request: pytest.FixtureRequest, google: GoogleDouble) -> Iterator[GoogleFleet]:
    """An installation on either database, at work."""
    if request.param == "sqlite":
        with google_fleet(google) as made:
            made.start()
            yield made
    else:
        with postgresql() as url, google_fleet(google, url) as made:
            made.start()
            yield made


def test_an_event_made_at_google_is_told_by_the_change_feed(linked: GoogleFleet) -> None:
    heard: list[str] = []

    def told(title: str) -> bool:
        heard.extend(linked.news())
        return title in heard

    for number in range(3):
        linked.google.insert(lunch(f"Lunch {number}"))
        eventually(lambda number=number: told(f"Lunch {number}"))  # type: ignore[misc]
    assert heard == [f"Lunch {number}" for number in range(3)]
    statuses = {status for message in linked.google.messages for status in message.statuses}
    assert statuses == {204}
    (channel,) = linked.google.channels.values()
    secret = channel.address.rpartition("/")[2]
    assert channel.token is not None
    assert secret not in linked.at.log.read_text()
    assert channel.token not in linked.at.log.read_text()
    assert "/v1/notifications/google/[hidden]" in linked.at.log.read_text()


def test_a_burst_is_a_few_runs_and_pausing_stops_the_channel(linked: GoogleFleet) -> None:
    before = len(runs.list_runs(linked.at.parts, TENANT, INTEGRATION, limit=200))
    for number in range(200):
        linked.google.insert(lunch(f"Lunch {number}"))
    heard: list[str] = []
    eventually(lambda: heard.extend(linked.news()) or len(heard) == 200)
    assert len(linked.google.messages) >= 200
    eventually(linked.idle)
    after = len(runs.list_runs(linked.at.parts, TENANT, INTEGRATION, limit=200))
    assert after - before < 40
    integrations.change_integration(linked.at.parts, TENANT, INTEGRATION, active=False)
    eventually(lambda: linked.google.channels == {})
