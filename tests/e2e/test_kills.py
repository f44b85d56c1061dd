"""Processes that die in the middle of a run lose nothing and double nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.databases import postgresql
from tests.e2e.killing import look, play, world

KILLS = 10


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The database; None is the default: a file in the data folder."""
    if request.param == "sqlite":
        yield None
    else:
        with postgresql() as url:
            yield url


def test_a_sync_killed_at_any_moment_ends_in_the_right_state(database_url: str | None, tmp_path: Path) -> None:
    with world(tmp_path, database_url, seed=1) as at:
        play(at, KILLS)
        assert at.quiet() <= 2
        look(at)
        assert at.kills == KILLS
