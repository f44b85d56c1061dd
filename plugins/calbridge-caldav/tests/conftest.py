"""Doubles, real servers and connectors for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.doubles.caldav import CalDavDouble, Quirks, caldav_double
from tests.servers import CalendarServer, radicale, xandikos
from tests.servers.reaching import transport

from .support import Phone, account, opened

Serve = Callable[..., CalDavDouble]
Link = Callable[..., Phone]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a double with switches. At the end it must have seen no breach, unless the test cleared it."""
    with ExitStack() as stack:
        doubles: list[CalDavDouble] = []

        def start(*, host_names: dict[str, str] | None = None, **switches: object) -> CalDavDouble:
            quirks = Quirks(**switches)  # type: ignore[arg-type]
            doubles.append(stack.enter_context(caldav_double(quirks, host_names=host_names)))
            return doubles[-1]

        yield start
        assert [breach for double in doubles for breach in double.breaches] == []


@pytest.fixture
def link() -> Iterator[Link]:
    """A checked connector on the double's calendar ``work``; the double's log starts empty."""
    with ExitStack() as stack:

        def make(
            double: CalDavDouble,
            *,
            service: str = "caldav",
            checked: bool = True,
            timeout: float = 10.0,
            facts: Mapping[str, str] | None = None,
        ) -> Phone:
            sending = stack.enter_context(transport(timeout=timeout))
            path = f"/calendars/{double.user}/work/"
            phone = opened(sending, account(double.url, service=service), path, checked=checked, facts=facts)
            double.clear()
            return phone

        yield make


@pytest.fixture(scope="session")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """A running Radicale; each test takes a calendar of its own."""
    with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """A running Xandikos; each test takes a calendar of its own."""
    with xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server
