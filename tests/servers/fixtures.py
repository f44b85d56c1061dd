"""pytest fixtures over the real servers: one process per test session (and per xdist worker).

Tests stay apart by taking a calendar of their own: ``radicale_server.new_calendar()``.
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
def new_radicale_calendar(radicale_server: CalendarServer) -> str:
    """The address of an empty calendar on Radicale, of this test alone."""
    return radicale_server.new_calendar()


@pytest.fixture
def new_xandikos_calendar(xandikos_server: CalendarServer) -> str:
    """The address of an empty calendar on Xandikos, of this test alone."""
    return xandikos_server.new_calendar()
