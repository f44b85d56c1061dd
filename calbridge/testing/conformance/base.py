"""What all parts of the suite share."""

from __future__ import annotations

import pytest

from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.harness import Harness


class Suite:
    """A part of the suite. The author's test module defines the fixture ``harness``."""

    @pytest.fixture
    def kit(self, harness: Harness) -> Driver:
        """Patience around the author's harness."""
        return Driver(harness)
