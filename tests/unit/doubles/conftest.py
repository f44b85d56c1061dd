"""What the tests of doubles share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.caldav_fixture import Start, starting


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a double with switches: ``start(weak_etags=True)``."""
    with starting() as function:
        yield function
