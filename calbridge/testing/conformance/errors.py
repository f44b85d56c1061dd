"""Must pass: errors, and how a connector reaches the world."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from calbridge.connectors.capabilities import Support
from calbridge.connectors.contract import Connector, Page, Window
from calbridge.connectors.transport import Reach, Transport
from calbridge.domain.content import MASTER, Field
from calbridge.errors import AddressRefused, CalendarGone, ConnectorError, SignInRequired, Throttled
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import single
from calbridge.testing.conformance.sockets import proxies_in_environment, watched

PROXY = ("127.0.0.1", 9)
"""Nothing listens on the discard port."""


class ErrorTests(Suite):
    """C5, C6, C7."""

    def test_a_refused_secret_is_told(self, kit: Driver) -> None:
        """C5.sign-in: ``SignInRequired``, for reading and for finding out who it is."""
        with pytest.raises(SignInRequired):
            kit.read(lambda: kit.harness.refused().check())
        with pytest.raises(SignInRequired):
            kit.read(lambda: list(kit.harness.refused().changes(kit.harness.calendar, None, kit.window)))

    def test_a_calendar_that_is_not_there_is_no_empty_one(self, kit: Driver) -> None:
        """C5.calendar: ``CalendarGone``, from reading and from looking up alike."""
        with pytest.raises(CalendarGone):
            kit.read(lambda: list(kit.harness.connector().changes("kit-no-such-calendar", None, kit.window)))
        with pytest.raises(CalendarGone):
            kit.read(lambda: kit.harness.connector().fetch("kit-no-such-calendar", ["kit-nothing"]))

    def test_nonsense_is_answered_in_the_language_of_the_contract(self, kit: Driver) -> None:
        """C5.only: whatever it is given, a connector raises ``ConnectorError`` or answers."""
        connector, calendar = kit.harness.connector(), kit.harness.calendar
        for nonsense in ("", "\x00", "../..", "ü" * 500, "http://127.0.0.1/"):
            for call in (
                partial(_pages, connector, calendar, nonsense, kit.window),
                partial(connector.fetch, calendar, [nonsense]),
                partial(connector.find, calendar, [nonsense], [nonsense]),
            ):
                problem = _raised(call)
                assert problem is None or isinstance(problem, ConnectorError), nonsense

    def test_a_fresh_connector_goes_on_where_another_stopped(self, kit: Driver) -> None:
        """C6.state: cursors, versions and native forms are good in any later connector."""
        seen = kit.create("kit-state", single(kit.harness.today))
        first = kit.harness.connector()
        cursor = kit.read(lambda: list(first.changes(kit.harness.calendar, None, kit.window)))[-1].cursor
        first.close()
        made = kit.harness.phone.create(single(kit.harness.today, "Made later"))
        assert made in kit.walk(cursor).seen()
        assert kit.update(seen.remote_id, {(MASTER, Field.TITLE): "By another"}).event is not None

    def test_every_connection_is_the_transports(self, kit: Driver) -> None:
        """C6.sockets: no socket is opened but by the transport, and none to a proxy of the environment."""
        with proxies_in_environment(f"http://{PROXY[0]}:{PROXY[1]}"), watched() as connections:
            kit.read(lambda: kit.harness.connector().check())
            kit.read(lambda: kit.harness.connector().calendars())
            kit.walk()
        assert all(guarded for _, guarded in connections), "a socket was opened around the transport"
        assert PROXY not in [address for address, _ in connections], "a proxy of the environment was used"

    def test_a_name_that_turns_to_this_machine_is_refused(self, kit: Driver) -> None:
        """C6.guard: a name without an address at first, then with 127.0.0.1, leads nowhere."""
        answers: list[list[str]] = []

        def flipping(host: str, port: int) -> list[str]:
            answers.append(["127.0.0.1"] if answers else [])
            return answers[-1]

        with watched() as connections, Transport(Reach(), resolver=flipping, timeout=5.0) as transport:
            connector = kit.harness.connector_at("https://calendar.example.com/", transport)
            if connector is None:
                kit.read(lambda: kit.harness.connector().check())
            else:
                assert isinstance(_raised(connector.check), ConnectorError)
                assert isinstance(_raised(connector.check), AddressRefused)
                assert answers[-1] == ["127.0.0.1"], "the transport was never asked"
        assert connections == []

    def test_capabilities_make_sense(self, kit: Driver) -> None:
        """C7: sizes are positive, and whatever is partial has a note that says how."""
        found = kit.harness.connector().capabilities
        assert min(found.fetch_batch, found.write_batch, found.parallel_writes) >= 1
        assert found.horizon_days is None or found.horizon_days > 0
        assert all(found.notes.get(name) for name, level in found.levels.items() if level is Support.PARTIAL)


def _pages(connector: Connector, calendar: str, cursor: str, window: Window) -> list[Page]:
    return list(connector.changes(calendar, cursor, window))


def _raised(call: Callable[[], object]) -> Exception | None:
    """What a call raises, once the service is done with throttling."""
    for _ in range(60):
        try:
            call()
        except Throttled:
            continue
        except Exception as error:
            return error
        return None
    raise AssertionError("the service never answered")
