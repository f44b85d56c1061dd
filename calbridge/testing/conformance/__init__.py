"""The conformance kit for authors of connectors; docs/contract.md tells each clause that its tests name.

An author's test module defines one fixture and one class::

    import pytest
    from calbridge.testing.conformance import ConformanceSuite, SilentTests

    @pytest.fixture
    def harness():
        with start_my_server() as server:
            yield MyHarness(server)

    class TestMyConnector(ConformanceSuite, SilentTests):
        pass

``harness`` is a :class:`Harness`. :class:`ConformanceSuite` is all parts of ``MUST_PASS``; ``OPTIONAL`` names, by
ability, the parts for connectors that claim it, and ``storage`` for specs that ask for one.
"""

from calbridge.connectors.capabilities import Ability
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.controlling import ControlTests, StorageTests
from calbridge.testing.conformance.driver import Driver, Walk
from calbridge.testing.conformance.errors import ErrorTests
from calbridge.testing.conformance.fidelity import FidelityTests, SilentTests
from calbridge.testing.conformance.harness import Door, Harness, InvitedHarness, WatchedHarness
from calbridge.testing.conformance.reading import CalendarTests, ChangesTests, CheckTests, FetchTests
from calbridge.testing.conformance.responding import RespondTests
from calbridge.testing.conformance.series import SeriesTests
from calbridge.testing.conformance.watching import WatchTests
from calbridge.testing.conformance.writing import WriteTests

MUST_PASS: tuple[type[Suite], ...] = (
    CheckTests,
    CalendarTests,
    ChangesTests,
    FetchTests,
    WriteTests,
    SeriesTests,
    ErrorTests,
    FidelityTests,
)
OPTIONAL: dict[str, type[Suite]] = {
    Ability.SILENT_UPDATE: SilentTests,
    Ability.RESPOND: RespondTests,
    Ability.PUSH: WatchTests,
    Ability.CONTROLS: ControlTests,
    "storage": StorageTests,
}


class ConformanceSuite(
    CheckTests, CalendarTests, ChangesTests, FetchTests, WriteTests, SeriesTests, ErrorTests, FidelityTests
):
    """Everything a connector must pass."""


__all__ = [
    "MUST_PASS",
    "OPTIONAL",
    "CalendarTests",
    "ChangesTests",
    "CheckTests",
    "ConformanceSuite",
    "ControlTests",
    "Door",
    "Driver",
    "ErrorTests",
    "FetchTests",
    "FidelityTests",
    "Harness",
    "InvitedHarness",
    "RespondTests",
    "SeriesTests",
    "SilentTests",
    "StorageTests",
    "Suite",
    "Walk",
    "WatchTests",
    "WatchedHarness",
    "WriteTests",
]
