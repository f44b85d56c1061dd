"""The sandbox keeps the contract; and the kit's tests for controls and storages notice connectors that break it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest

from calbridge.connectors.contract import Done, Result, Write
from calbridge.errors import Throttled
from calbridge.testing.conformance import (
    ConformanceSuite,
    ControlTests,
    Driver,
    RespondTests,
    SilentTests,
    StorageTests,
)
from calbridge_sandbox.connector import SandboxConnector
from calbridge_sandbox.document import Document
from calbridge_sandbox.writing import Writing

from .harness import OWN, SandboxHarness


@pytest.fixture
def harness() -> SandboxHarness:
    return SandboxHarness()


class TestSandbox(ConformanceSuite, SilentTests, RespondTests, ControlTests, StorageTests):
    """Every clause, the optional ones too."""


class LastWriterWins(SandboxConnector):
    """Writes whatever version there is, when another one has read as well."""

    pairs = threading.Barrier(2)

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        document = Document.read(self._storage.read()[0])
        self.pairs.wait(timeout=30)
        results = [Writing(document, document.calendar(calendar), OWN).apply(write) for write in writes]
        while not self._storage.write(document.written(), self._storage.read()[1]):
            pass
        return results


class MarksWhatAPersonMakes(SandboxConnector):
    def control(self, action: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        if action != "create":
            return super().control(action, arguments)
        content = arguments["content"]
        [done] = self.write("main", [Driver(SandboxHarness()).creation("kit-marked", content)])  # type: ignore[arg-type]
        assert isinstance(done, Done)
        return super().control("read", {"remote_id": done.remote_id})


class ThrottlesForEver(SandboxConnector):
    def calendars(self) -> Sequence[object]:  # type: ignore[override]
        raise Throttled(retry_after=7)


class KeepsCursors(SandboxConnector):
    def control(self, action: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        return {} if arguments.get("fault") == "expire_cursor" else super().control(action, arguments)


BROKEN: dict[str, type[SandboxConnector]] = {
    "test_who_writes_at_once_loses_nothing": LastWriterWins,
    "test_what_a_control_does_is_a_persons_act": MarksWhatAPersonMakes,
    "test_faults_happen_as_often_as_asked_for": ThrottlesForEver,
    "test_what_was_known_can_be_taken_away": KeepsCursors,
}


def test_every_test_of_the_optional_parts_has_a_connector_that_breaks_it() -> None:
    parts = (StorageTests, ControlTests)
    assert {name for part in parts for name in vars(part) if name.startswith("test_")} == set(BROKEN)


@pytest.mark.parametrize("test", BROKEN)
def test_the_broken_connector_is_noticed(test: str) -> None:
    part = StorageTests() if hasattr(StorageTests, test) else ControlTests()
    with pytest.raises((AssertionError, pytest.fail.Exception, Throttled)):
        getattr(part, test)(Driver(SandboxHarness(BROKEN[test])))
