"""What a sync loads: starting is part of what a command costs, and of what is measured beside other programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGE = ("alembic", "dns", "flask", "icalendar", "redis", "rich", "rq", "structlog")
"""Libraries that other parts need, each of which takes longer to load than a run without changes takes."""


def test_a_sync_loads_no_large_library_that_only_other_parts_need() -> None:
    needed = "calbridge.app, calbridge.service.sync, calbridge_caldav.connector, tools.benchmark.act"
    asked = f"import sys, {needed}; print(*(name for name in {LARGE} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
