"""The composition root."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from calbridge.app import build
from calbridge.log import get_logger
from calbridge.settings import load_settings

with build(load_settings({"CALBRIDGE_DATA_DIR": sys.argv[1]})):
    password = "canary-of-a-secret"
    try:
        raise ValueError(password)
    except ValueError:
        get_logger("test").exception("broke")
"""


def test_whoever_builds_an_installation_logs_no_local_variables(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "var")], capture_output=True, text=True, check=True
    )
    assert "broke" in done.stderr
    assert "canary-of-a-secret" not in done.stdout + done.stderr
