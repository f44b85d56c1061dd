"""A newcomer can type what the README says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from calbridge.cli.door import EXIT_CODES, INTERRUPTED, USAGE
from tests.conftest import ROOT
from tests.servers.calendar_server import CalendarServer
from tests.servers.process import free_port
from tests.servers.radicale import radicale
from tools.demo_calendar import single

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [found.replace("\\\n", " ") for found in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]
PASSWORD = "secret of alice"
PRIVATE = "192.168.10.0/24"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    """A real server with one event of alice, in the place of the reader's own."""
    with radicale(tmp_path_factory.mktemp("radicale"), users={"alice": PASSWORD}) as running:
        calendar = running.make_calendar("work", displayname="Work")
        running.put(calendar, "lunch.ics", single("lunch", "Lunch", date.today() + timedelta(days=2), 12))
        yield running


def commands() -> Iterator[str]:
    """All `calbridge` lines that end by themselves, those about a private server first: this test's server is one."""
    said = [line for block in BLOCKS for line in block.splitlines() if line.startswith("calbridge ")]
    lines = [line for line in said if line.split()[1] not in {"api", "worker", "scheduler", "run"}]
    upgrade_to_user, rest = lines[:3], lines[3:]
    grants = [line for line in rest if " hosts " in line]
    yield from (*upgrade_to_user, *grants, *(line for line in rest if line not in grants))


def test_every_line_of_the_readme_works_in_its_order(server: CalendarServer, tmp_path: Path) -> None:
    names = {"https://dav.example.com/": server.url, "192.168.10.5:5232": f"127.0.0.1:{server.port}"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    ours = {"DATA_DIR": str(tmp_path / "var"), "PASSWORD": PASSWORD, "PRIVATE_NETWORKS": "127.0.0.1/32"}
    ours["PORT"] = str(free_port())
    clean["PYTHONPYCACHEPREFIX"] = str(tmp_path / "compiled")
    environment = clean | {f"CALBRIDGE_{name}": value for name, value in ours.items()}
    said: dict[str, str] = {}
    for line in commands():
        for written, real in names.items():
            line = line.replace(written, real)
        done = subprocess.run(
            [str(Path(sys.executable).parent / "calbridge"), *shlex.split(line)[1:]],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said[line] = done.stdout
        if "integrations add" in line:
            names["INTEGRATION"] = re.search(r"^Integration +(\S+)$", done.stdout, re.MULTILINE)[1]  # type: ignore[index]
        if "integrations calendars" in line:
            names["CALENDAR"] = done.stdout.splitlines()[1].split()[0]

    by_verb = {" ".join(line.split()[1:3]): output for line, output in said.items()}
    assert "Lunch" in by_verb["items list"]
    assert "synced" in by_verb["items show"]
    assert "Replace the router" in by_verb["integrations logs"]


def test_the_readme_shows_how_to_allow_a_private_network() -> None:
    assert f"export CALBRIDGE_PRIVATE_NETWORKS={PRIVATE}\n" in README


def test_the_table_of_exit_codes_is_complete() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}

    assert told == {0, USAGE, INTERRUPTED, *EXIT_CODES.values()}


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert all((ROOT / link).exists() for link in links)


def test_the_verbs_of_make_exist() -> None:
    verbs = set(re.findall(r"`?make (\w+)", README))

    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "help", "install"} <= verbs <= targets
