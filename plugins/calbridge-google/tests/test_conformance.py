"""The connector against the kit of the contract, with the ways in which Google may behave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calbridge.testing.conformance import ConformanceSuite, RespondTests, SilentTests, WatchTests
from tests.doubles.google import Quirks, google_double
from tests.servers.reaching import transport

from .harness import GoogleHarness

SERVICES = {
    "plain": Quirks(),
    "small pages": Quirks(page_size=2, empty_pages=True, exceptions_first=True, cancelled_instances_match_uid=True),
    "keeps exceptions": Quirks(on_master_move="keeps", instance_touches_master=True, batch_shuffled=True),
    "shifts exceptions": Quirks(on_master_move="shifts", exceptions_follow_master=True, exact_durations=True),
    "forgets": Quirks(tombstones_vanish=True, tells_exceptions_of_deleted=True),
}


@pytest.fixture(params=SERVICES)
def harness(request: pytest.FixtureRequest) -> Iterator[GoogleHarness]:
    with transport() as sending, google_double(SERVICES[request.param]) as double:
        yield GoogleHarness(double, sending)
        assert double.breaches == []


class TestConformance(ConformanceSuite, SilentTests, RespondTests, WatchTests):
    """Every clause that a connector must keep, that nobody is mailed, how invitations are answered and changes told."""
