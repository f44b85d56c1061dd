"""pytest fixtures over the real servers: one process per test session (and per xdist worker).

Tests stay apart by taking a calendar of their own: ``radicale_server.passing_calendar()``. It does not stay: a request
about alice's home takes longer with everything that lies in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.calendar_server import CalendarServer
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos


@pytest.fixture(scope="session")
def radicale_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """The session's Radicale with the users alice (password ``secret``) and bob (``secret-of-bob``)."""
    folder = tmp_path_factory.mktemp("radicale")
    with radicale(folder, users={"alice": "secret", "bob": "secret-of-bob"}) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """The session's Xandikos; it knows one principal, alice, and no password."""
    with xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture
def radicale_server(radicale_process: CalendarServer) -> CalendarServer:
    """A running Radicale, started again if the test before stopped it."""
    radicale_process.start()
    return radicale_process


@pytest.fixture
def xandikos_server(xandikos_process: CalendarServer) -> CalendarServer:
    """A running Xandikos, started again if the test before stopped it."""
    xandikos_process.start()
    return xandikos_process


@pytest.fixture
def new_radicale_calendar(radicale_server: CalendarServer) -> Iterator[str]:
    """The address of an empty calendar on Radicale, of this test alone."""
    with radicale_server.passing_calendar() as address:
        yield address


@pytest.fixture
def new_xandikos_calendar(xandikos_server: CalendarServer) -> Iterator[str]:
    """The address of an empty calendar on Xandikos, of this test alone."""
    with xandikos_server.passing_calendar() as address:
        yield address
