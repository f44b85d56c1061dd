"""The memory connector passes the kit, whole and with each loss by itself."""

from __future__ import annotations

import pytest

from calbridge.testing.conformance import ConformanceSuite, RespondTests, SilentTests, WatchTests
from calbridge.testing.conformance.memory import MemoryHarness
from calbridge.testing.memory import LOSSES, Switches


@pytest.fixture(params=["no_loss", *LOSSES])
def harness(request: pytest.FixtureRequest) -> MemoryHarness:
    """A service with one loss; the seed is the same each time."""
    return MemoryHarness(LOSSES.get(request.param, Switches()), seed=7)


class TestMustPass(ConformanceSuite):
    """Every clause, with every loss."""


class TestInvitations(RespondTests):
    """Answered, with every loss."""


class TestPush(WatchTests):
    """Told, with every loss but that of the ability itself."""

    @pytest.fixture(params=["no_loss", *sorted(LOSSES.keys() - {"pushes"})])
    def harness(self, request: pytest.FixtureRequest) -> MemoryHarness:
        return MemoryHarness(LOSSES.get(request.param, Switches()), seed=7)


class TestNobodyIsMailed(SilentTests):
    """With the loss itself left out: a service that mails does not claim the ability."""

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness()
