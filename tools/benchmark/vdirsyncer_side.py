"""vdirsyncer as it is measured: a calendar on the server paired with a folder of files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.benchmark.events import calendar_file, component
from tools.benchmark.measuring import CommandFailed, Cost, measure
from tools.benchmark.proxy import Proxy

PROGRAM = Path(sys.executable).parent / "vdirsyncer"

_CONFIGURATION = """\
[general]
status_path = "{folder}/status"

[pair bench]
a = "far"
b = "near"
collections = [["bench", "{calendar}", "{calendar}"]]
conflict_resolution = "a wins"

[storage far]
type = "caldav"
url = "{url}"
username = "{username}"
password = "{password}"

[storage near]
type = "filesystem"
path = "{folder}/near"
fileext = ".ics"
"""


class VdirsyncerSide:
    """One pair in ``folder``. ``url`` is where its requests go."""

    def __init__(self, folder: Path, url: str, username: str, password: str, calendar: str) -> None:
        self._near = folder / "near" / calendar
        self._near.mkdir(parents=True)
        self._configuration = folder / "config"
        self._configuration.write_text(
            _CONFIGURATION.format(folder=folder, url=url, username=username, password=password, calendar=calendar)
        )
        done = subprocess.run(self._command("discover"), input="y\n" * 9, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(f"vdirsyncer discover\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def sync(self, proxy: Proxy) -> Cost:
        """Measure one synchronisation. :raises CommandFailed: it ended with an error."""
        cost, _ = measure(self._command("sync"), proxy)
        return cost

    def add_files(self, numbers: Iterable[int]) -> None:
        """New appointments on this side."""
        for number in numbers:
            (self._near / f"call-{number}.ics").write_text(calendar_file([component(number)]), newline="")

    def edit_files(self, count: int, title: str) -> None:
        """Give the ``count`` latest appointments another title."""
        files = sorted(((_start(path), path) for path in self._near.glob("*.ics")), reverse=True)
        for _, path in files[:count]:
            path.write_text(path.read_text().replace("SUMMARY:", f"SUMMARY:{title} ", 1), newline="")

    def count(self) -> int:
        """How many appointments there are on this side."""
        return len(list(self._near.glob("*.ics")))

    def _command(self, verb: str) -> list[str]:
        return [str(PROGRAM), "--config", str(self._configuration), "--verbosity", "WARNING", verb]


def _start(path: Path) -> str:
    event = path.read_text().partition("BEGIN:VEVENT")[2]
    return next(line.rpartition(":")[2] for line in event.splitlines() if line.startswith("DTSTART"))
