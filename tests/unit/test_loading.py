"""What a command loads: starting is part of what it costs, and of what is measured beside other programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGE = (
    "alembic", "dns", "flask", "icalendar", "redis", "requests", "rq", "sqlalchemy.dialects.postgresql", "structlog",
)  # fmt: skip
"""What other parts need, each of which takes longer to load than a run without changes takes."""


def loaded(code: str, *also: str) -> list[str]:
    """The large ones that a process has loaded after that code."""
    asked = f"import sys\n{code}\nprint(*(name for name in {(*LARGE, *also)} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_a_sync_loads_no_large_library_that_only_other_parts_need() -> None:
    assert loaded("import calbridge.app, calbridge.service.sync, calbridge_caldav.connector", "rich") == []


@pytest.mark.parametrize("verb", ["users", "connectors", "integrations", "items", "links", "hosts", "keys", "tick"])
def test_a_verb_loads_no_large_library_before_it_does_anything(verb: str) -> None:
    assert loaded(f"from calbridge.cli.main import main; assert main.get_command(None, {verb!r})") == []
