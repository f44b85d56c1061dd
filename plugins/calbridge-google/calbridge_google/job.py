"""One write on its way through the phases of :mod:`.writing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calbridge.connectors.contract import Failed, Result, Write
from calbridge.domain.content import EMPTY, Content, Unit
from calbridge.errors import ConnectorError
from calbridge_google.bundle import Bundle
from calbridge_google.client import is_unknown

Resource = Mapping[str, Any]


@dataclass
class Job:
    """One write on its way. ``result`` ends it; ``unknown`` too, without one."""

    write: Write
    bundle: Bundle | None = None
    base: Content = EMPTY
    target: Content = EMPTY
    touched: frozenset[Unit] = frozenset()
    spare: int = 0
    reread: bool = False
    stepwise: bool = False
    written: bool = False
    refused: ConnectorError | None = None
    result: Result = None
    over: bool = False
    instances: dict[str, Resource] = field(default_factory=dict)

    def end(self, result: Result) -> None:
        """No further phase."""
        self.result, self.over = result, True

    def lose(self, error: ConnectorError) -> None:
        """A look in between failed: what was written is to be looked at; where nothing was, the write just failed."""
        self.end(None if self.written else Failed(error))

    def fail(self, error: ConnectorError) -> None:
        """Refused, or nobody knows."""
        self.end(None if is_unknown(error) else Failed(error))
