"""Doubles and connectors for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from calbridge_google.connector import GoogleConnector
from tests.doubles.google import GoogleDouble, Quirks, google_double
from tests.servers.reaching import transport

from .support import Client, account

Serve = Callable[..., GoogleDouble]
Link = Callable[..., Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a double with switches. At the end it must have seen no breach, unless the test cleared it."""
    with ExitStack() as stack:
        doubles: list[GoogleDouble] = []

        def start(**switches: object) -> GoogleDouble:
            doubles.append(stack.enter_context(google_double(Quirks(**switches))))  # type: ignore[arg-type]
            return doubles[-1]

        yield start
        assert [breach for double in doubles for breach in double.breaches] == []


@pytest.fixture
def link() -> Iterator[Link]:
    """A connector on the double's primary calendar, with an access token; the double's log starts empty."""
    with ExitStack() as stack:

        def make(double: GoogleDouble, *, calendar: str | None = None, timeout: float = 10.0) -> Client:
            sending = stack.enter_context(transport(timeout=timeout))
            client = Client(GoogleConnector(account(double), sending), calendar or double.user)
            client.connector.check()
            double.clear()
            return client

        yield make
