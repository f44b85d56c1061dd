"""The connector against the kit of the contract, on real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calbridge.testing.conformance import ConformanceSuite, RespondTests, SilentTests
from tests.doubles.caldav import Quirks, caldav_double
from tests.servers import CalendarServer
from tests.servers.reaching import transport

from .harness import ServerHarness


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalendarServer:
    found: CalendarServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def harness(server: CalendarServer) -> Iterator[ServerHarness]:
    with transport() as sending, caldav_double(Quirks(rejects_login=True)) as refusing:
        yield ServerHarness(server, sending, refusing.url)


class TestConformance(ConformanceSuite):
    """Every clause that a connector must keep."""


class TestInvitations(RespondTests):
    """Both servers take an answer."""


class TestSilence(SilentTests):
    """Radicale mails nobody and says so; Xandikos says that it might."""

    @pytest.fixture
    def server(self, radicale_server: CalendarServer) -> CalendarServer:
        return radicale_server
