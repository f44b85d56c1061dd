"""Words and streams as a shell hands them over: no UTF-8, closed, full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Calbridge

COMMAND = str(Path(sys.executable).parent / "calbridge")
HALF = "\udcff"
ADD = "integrations add --user alice --service caldav --url https://dav.example.com --username alice"


def shell(calbridge: Calbridge, line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which $C is the command."""
    environ = {name: value for name, value in calbridge.environment.items() if value is not None}
    line = line.replace("$C", COMMAND)
    return subprocess.run(
        ["bash", "-c", line], env=os.environ | environ, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "words",
    [
        ("integrations", "show", HALF),
        ("items", "list", "--user", HALF),
        ("hosts", "revoke", HALF),
        ("links", "list", HALF, "--json"),
        ("users", "list", "--tenant", HALF),
        ("integrations", "set", "int-1", "--setting", HALF),
        (HALF,),
    ],
)
def test_a_word_that_is_not_utf_8_is_a_wrong_word(calbridge: Calbridge, words: tuple[str, ...]) -> None:
    done = calbridge.call(*words)

    assert done.exit_code == 2, done.output
    assert "--help shows how it is used" in done.stderr


def test_a_file_may_have_a_name_that_is_not_utf_8(calbridge: Calbridge, tmp_path: Path) -> None:
    file = tmp_path / f"{HALF}.csv"
    file.write_text("user_id\nbob\n", encoding="utf-8")

    assert calbridge.json("users", "import", str(file))["created"] == 1


@pytest.mark.parametrize(
    "verb",
    [ADD, f"{ADD} --password-stdin", "users import -", "users delete alice", "items put q --user alice --file -"],
)
def test_closed_standard_input_is_a_wrong_word(calbridge: Calbridge, verb: str) -> None:
    done = shell(calbridge, f"$C {verb} <&-")

    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "What to do: calbridge" in done.stderr


def test_a_password_that_is_not_utf_8_is_refused(calbridge: Calbridge) -> None:
    done = shell(calbridge, f"printf '\\xff\\n' | $C {ADD} --password-stdin")

    assert done.returncode in (1, 2)
    assert "What to do: " in done.stderr
    assert "internal_error" not in done.stderr


@pytest.mark.parametrize(("leads_to", "reason"), [("&-", "it is closed"), ("/dev/full", "No space left on device")])
@pytest.mark.parametrize("verb", ["users list", "integrations list", "users export alice", "openapi write -", "--help"])
def test_an_output_that_can_not_be_written_is_the_administrators_business(
    calbridge: Calbridge, verb: str, leads_to: str, reason: str
) -> None:
    done = shell(calbridge, f"$C {verb} >{leads_to}")

    assert done.returncode == 3
    assert done.stderr.startswith(f"Error: The output can't be written: {reason}.\nWhat to do: ")
    assert "Exception ignored" not in done.stderr


def test_programs_read_that_the_output_can_not_be_written(calbridge: Calbridge) -> None:
    done = shell(calbridge, "$C users list --json >/dev/full")

    assert done.returncode == 3
    assert json.loads(done.stderr)["error"]["code"] == "output_unwritable"


def test_an_error_that_nobody_can_be_told_of_keeps_its_exit_code(calbridge: Calbridge) -> None:
    for nowhere in ("&-", "/dev/full"):
        assert shell(calbridge, f"$C items show nope --user alice 2>{nowhere}").returncode == 1


@pytest.mark.parametrize("verb", ["openapi write", "users export alice --output"])
@pytest.mark.parametrize("file", ["missing/file", "/dev/full", "."])
def test_a_file_that_can_not_be_written_is_a_wrong_word(calbridge: Calbridge, verb: str, file: str) -> None:
    done = calbridge.call(*verb.split(), file)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "is a directory" in done.stderr if file == "." else f"{file} can't be written: " in done.stderr


def test_a_file_is_written_without_any_standard_output(calbridge: Calbridge, tmp_path: Path) -> None:
    done = shell(calbridge, f"$C users export alice --output {tmp_path / 'alice.json'} >&-")

    assert done.returncode == 0
    assert done.stderr.startswith(f"{tmp_path / 'alice.json'} is written (")
    assert json.loads((tmp_path / "alice.json").read_text(encoding="utf-8"))["user"]
