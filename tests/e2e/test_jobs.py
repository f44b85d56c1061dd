"""Workers, schedulers and Redis as an installation runs them: what is written arrives, whatever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e.databases import postgresql
from tests.e2e.fleet import Fleet, fleet
from tests.servers import CalendarServer
from tests.servers.waiting import eventually

ACME = "acme"


def arrived(server: CalendarServer, calendar: str, number: int) -> bool:
    return len(server.list(calendar)) == number


@pytest.fixture(params=["sqlite", "postgresql"])
def at(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """An installation on either database."""
    if request.param == "sqlite":
        with fleet() as made:
            yield made
    else:
        with postgresql() as url, fleet(url) as made:
            yield made


def test_an_item_written_reaches_the_server_through_a_job(at: Fleet, radicale_server: CalendarServer) -> None:
    at.tenant(ACME, radicale_server)
    at.start("worker", "--processes", "2")
    at.ready(workers=2)
    calendar = radicale_server.new_calendar()
    integration = at.link(ACME, radicale_server, calendar)
    eventually(lambda: at.synced(ACME, integration))
    for number in range(5):
        at.put(ACME, f"visit-{number}")
        eventually(partial(arrived, radicale_server, calendar, number + 1))
    eventually(lambda: at.redis.client().keys("rq:job:*") == [])
    assert "visit-" not in at.log.read_text()
