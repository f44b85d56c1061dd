"""The README's walk through the REST API works as it is written: real processes, a real calendar."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT
from tests.servers.process import free_port
from tests.servers.radicale import radicale
from tools.demo_calendar import single

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Use it from a PSA") : README.index("## Using the command line")]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
PASSWORD = "secret of alice"


def commands() -> list[list[str]]:
    """Every command of the section as words, a line that ends with a backslash or within quotes going on."""
    found: list[list[str]] = []
    for block in BLOCKS:
        pending = ""
        for line in block.splitlines():
            pending = f"{pending}\n{line}" if pending else line
            if line.endswith("\\") or pending.count("'") % 2:
                continue
            found.append(shlex.split(pending.replace("\\\n", " ")))
            pending = ""
    return found


class Reader:
    """Types what the README says, with real values in place of the words in capitals."""

    def __init__(self, folder: Path, environ: dict[str, str], names: dict[str, str]) -> None:
        self._folder, self._environ, self.names = folder, environ, names
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, words: list[str]) -> None:
        log = (self._folder / f"{words[1]}.log").open("wb")
        with log:
            process = subprocess.Popen(self._own(words), env=self._environ, cwd=self._folder, stdout=log, stderr=log)
        self.processes.append(process)

    def run(self, words: list[str]) -> str:
        done = subprocess.run(
            self._own(words), env=self._environ, cwd=self._folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _own(self, words: list[str]) -> list[str]:
        return [str(Path(sys.executable).parent / "calbridge"), *words[1:]]

    def curl(self, words: list[str]) -> Any:
        """What curl does with ``-s``, ``-X``, ``-H`` and ``-d``."""
        method, headers, body, url = "GET", {}, None, ""
        rest = iter(words[1:])
        for word in rest:
            match word:
                case "-s":
                    continue
                case "-X":
                    method = next(rest)
                case "-H":
                    name, _, value = self._real(next(rest)).partition(": ")
                    headers[name] = value
                case "-d":
                    body = self._real(next(rest)).encode()
                case _:
                    assert word.startswith("http://"), word
                    url = self._real(word)
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.request(method, place.path, body, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status < 300, (words, told)
        return told

    def _real(self, text: str) -> str:
        for written, real in self.names.items():
            text = text.replace(written, real)
        return text


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with ExitStack() as stack:
        server = stack.enter_context(radicale(tmp_path / "radicale", users={"alice": PASSWORD}))
        calendar = server.make_calendar("work", displayname="Work")
        server.put(calendar, "lunch.ics", single("lunch", "Lunch", date.today() + timedelta(days=2), 12))
        port = free_port()
        ours = {
            "DATA_DIR": str(tmp_path / "var"),
            "PORT": str(port),
            "PRIVATE_NETWORKS": "127.0.0.1/32",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
        environ = clean | {f"CALBRIDGE_{name}": value for name, value in ours.items()}
        names = {"127.0.0.1:8080": f"127.0.0.1:{port}", "https://dav.example.com/": server.url, "PASSWORD": PASSWORD}
        made = Reader(tmp_path, environ, names)
        made.run(["calbridge", "db", "upgrade"])
        made.server_port = server.port  # type: ignore[attr-defined]
        try:
            yield made
        finally:
            for process in made.processes:
                process.terminate()
            for process in made.processes:
                process.wait(60)


def until(what: Callable[[], bool]) -> None:
    stop = time.monotonic() + 60
    while not what():
        assert time.monotonic() < stop
        time.sleep(0.1)


def test_a_newcomer_links_a_calendar_through_the_api(reader: Reader, tmp_path: Path) -> None:
    said: list[tuple[list[str], Any]] = []
    for words in commands():
        if words[0] == "export":
            continue
        if words[0] == "calbridge" and words[1] == "run":
            reader.start(words)
            continue
        if words[0] == "calbridge":
            told: Any = reader.run(words)
            reader.names["PLATFORM_KEY"] = re.search(r"cbk_p\w+_[\w-]{43}", told)[0]  # type: ignore[index]
            place = reader.names["127.0.0.1:8080"].rpartition(":")
            until(lambda place=place: _listens(place[0], int(place[2])))  # type: ignore[misc]
        else:
            told = reader.curl(words)
            _remember(reader, words, told)
        said.append((words, told))
        if "/tenants/acme" in " ".join(words) and "PUT" in words:
            reader.run(["calbridge", "hosts", "grant", f"127.0.0.1:{reader.server_port}"])  # type: ignore[attr-defined]
        if "PATCH" in words:
            _wait_for(reader, "", lambda found: found["last_run_at"] is not None)
        if words[-1].startswith('{"type"'):
            _wait_for(reader, "/logs", lambda found: "Replace the router" in str(found) and "Lunch" in str(found))
    items = next(told for words, told in said if words[-3].endswith("/alice/items"))
    assert {item["title"] for item in items["data"]} == {"Lunch", "Replace the router"}
    changes = next(told for words, told in said if words[-3].endswith("/v1/changes"))
    assert "Lunch" in str(changes)


def _remember(reader: Reader, words: list[str], told: Any) -> None:
    if isinstance(told, dict) and "key" in told:
        reader.names["BACKEND_KEY"] = told["key"]
    if any(word.endswith("/v1/integrations") for word in words):
        reader.names["INTEGRATION"] = told["id"]
    if any(word.endswith("/calendars") for word in words):
        reader.names["CALENDAR"] = told["data"][0]["id"]


def _wait_for(reader: Reader, path: str, fits: Callable[[Any], bool]) -> None:
    address = f"http://127.0.0.1:8080/v1/integrations/INTEGRATION{path}"
    words = ["curl", "-s", address, "-H", "Authorization: Bearer BACKEND_KEY"]
    until(lambda: fits(reader.curl(words)))


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True
