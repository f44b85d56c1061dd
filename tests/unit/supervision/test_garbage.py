"""The command ``calbridge`` looks for garbage as seldom as the processes it forks shall, and at its end not at all."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from calbridge.supervision.garbage import THRESHOLDS

_TELLING = """
import atexit, gc, sys
from importlib.metadata import entry_points
(command,) = entry_points(group="console_scripts", name="calbridge")
atexit.register(lambda: print(*gc.get_threshold(), len(gc.get_objects())))
sys.argv = ["calbridge", "--version"]
command.load()()
"""


def test_the_installed_command_sets_its_process_up() -> None:
    assert len(entry_points(group="console_scripts", name="calbridge")) == 1
    said = subprocess.run([sys.executable, "-P", "-c", _TELLING], capture_output=True, text=True, check=True).stdout
    *thresholds, looked_at = map(int, said.splitlines()[-1].split())
    assert tuple(thresholds) == THRESHOLDS
    assert looked_at < 100
