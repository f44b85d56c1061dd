"""Whatever goes wrong, a person reads what is wrong and what to do, and gets the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from calbridge.catalogue import CATALOGUE
from calbridge.cli.door import Door
from calbridge.errors import CalbridgeError, DatabaseUnusable, Refused, Unavailable

pytestmark = pytest.mark.usefixtures("quiet_again")
COMMAND = str(Path(sys.executable).parent / "calbridge")


def call(work: Callable[[], object], *words: str, **environ: str) -> Result:
    """A door with one verb that does this."""

    @click.group(cls=Door)
    def door() -> None:
        """A door."""

    @door.command("work")
    @click.option("--json", is_flag=True)
    @click.option("--number", type=int)
    def verb(**options: object) -> object:
        return work()

    return CliRunner().invoke(door, ["work", *words], env={"CALBRIDGE_LOG_LEVEL": None, **environ})


def failing(error: Exception) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (Refused(code="item_not_found"), 1),
        (DatabaseUnusable(), 3),
        (Unavailable(), 4),
        (CalbridgeError(), 3),
    ],
)
def test_an_error_is_told_in_two_sentences_with_the_exit_code_of_who_must_act(
    error: CalbridgeError, exit_code: int
) -> None:
    done = call(failing(error))

    entry = CATALOGUE[error.code]
    assert done.exit_code == exit_code
    assert done.stderr == f"Error: {entry.summary}\nWhat to do: {entry.remedy}\nCode: {error.code}\n"
    assert done.stdout == ""


def test_every_code_of_the_catalogue_ends_in_one_of_the_documented_exit_codes() -> None:
    codes = {call(failing(CalbridgeError(code=code))).exit_code for code in CATALOGUE}

    assert codes == {1, 3, 4}


def test_facts_stand_beside_the_code_and_can_not_steer_the_terminal() -> None:
    done = call(failing(Refused("the body", code="invalid_value", field="start\x1b[31m")))

    assert "Code: invalid_value: the body (field=start\N{REPLACEMENT CHARACTER}[31m)" in done.stderr


def test_no_password_of_a_url_reaches_the_terminal() -> None:
    done = call(failing(Refused("at https://alice:hunter2@dav.example.com/x?token=abc", code="refused")))

    assert "dav.example.com" in done.stderr
    assert "hunter2" not in done.stderr
    assert "abc" not in done.stderr


def test_programs_get_the_error_as_json() -> None:
    done = call(failing(Refused(code="user_not_found", user="bob")), "--json")

    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["what"]) == ("user_not_found", "There is no such user.")
    assert "user=bob" in error["detail"]


def test_a_wrong_word_is_a_usage_error_that_points_to_the_help() -> None:
    done = call(lambda: 0, "--number", "many")

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: Invalid value for '--number'")
    assert "work --help shows how it is used" in done.stderr


def test_a_group_without_its_verb_shows_its_verbs_in_lines() -> None:
    done = subprocess.run([COMMAND, "keys"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("Usage: calbridge keys")
    assert "\n  create  Make a key.\n" in done.stderr


def test_an_unexpected_error_shows_an_id_and_logs_its_cause_without_its_text() -> None:
    done = call(failing(ValueError("Dentist at noon")))

    log, *shown = done.stderr.splitlines()
    logged = json.loads(log)
    assert done.exit_code == 3
    assert shown[-1] == f"Error id: {logged['error_id']}"
    assert logged["error"]["type"] == "builtins.ValueError"
    assert any("failing" in frame or "work" in frame for frame in logged["error"]["frames"])
    assert "Dentist" not in done.output
    assert "Traceback" not in done.output


def test_stopping_is_no_error_but_has_its_exit_code() -> None:
    done = call(failing(KeyboardInterrupt()))  # type: ignore[arg-type]

    assert done.exit_code == 130
    assert "Traceback" not in done.output


def test_the_exit_code_of_a_verb_is_kept() -> None:
    assert call(lambda: 4).exit_code == 4
    assert call(lambda: None).exit_code == 0


def test_a_pipe_that_is_closed_early_is_no_error(tmp_path: Path) -> None:
    line = f"set -o pipefail; {COMMAND} integrations add --help | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
