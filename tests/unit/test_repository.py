"""The lock file, the verbs and the walls around the tests."""

from __future__ import annotations

import re
import socket
import subprocess

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_lock_file_pins_and_hashes_everything() -> None:
    for requirement in re.split(r"\n(?=[a-z0-9])", LOCK.partition("\n#    make lock\n")[2]):
        assert re.match(r"[a-z0-9.-]+(\[[a-z]+\])?==\S+( ; [^\\\n]+)? \\\n", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement


def test_the_lock_file_names_no_host() -> None:
    assert not re.search(r"://|^-|\bindex\b|find-links|@ ", LOCK, re.MULTILINE)


def test_the_lock_file_never_asks_for_the_foreign_distribution_of_our_name() -> None:
    assert not re.search(r"^calbridge", LOCK, re.MULTILINE | re.IGNORECASE)


def test_every_wanted_library_is_locked() -> None:
    wanted = (ROOT / "requirements.in").read_text(encoding="utf-8")
    names = re.findall(r"^([A-Za-z0-9._-]+)", wanted, re.MULTILINE)

    locked = set(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z]+\])?==", LOCK, re.MULTILINE))
    assert {name.lower() for name in names} <= locked


def test_make_help_lists_the_verbs() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    verbs = dict(re.findall(r"^  make (\w+) +(.+)$", done.stdout, re.MULTILINE))
    assert {"install", "test", "lint", "demo", "bench", "soak"} <= verbs.keys()


def test_no_test_reaches_the_world() -> None:
    with socket.socket() as out, pytest.raises(SocketConnectBlockedError):
        out.connect(("192.0.2.1", 443))
