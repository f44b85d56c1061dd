"""Doubles, real servers and connectors for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.doubles.caldav import CalDavDouble, Quirks, caldav_double
from tests.servers.fixtures import *  # noqa: F403  (fixtures are found by name)

from .support import Phone, account, opened, transport

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
            calendar: str = "work",
            checked: bool = True,
            **options: object,
        ) -> Phone:
            sending = stack.enter_context(transport(**options))  # type: ignore[arg-type]
            path = f"/calendars/{double.user}/{calendar}/"
            phone = opened(sending, account(double.url, service=service), path, checked=checked, facts=facts)
            double.clear()
            return phone

        yield make
