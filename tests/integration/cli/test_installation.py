"""Verbs of whoever runs the installation."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from calbridge.app import build
from calbridge.errors import Refused
from calbridge.service.changes import list_changes
from calbridge.settings import load_settings
from tests.integration.cli.conftest import Calbridge, Linked


def test_the_first_upgrade_makes_a_private_folder_with_key_and_database(empty: Calbridge, tmp_path: Path) -> None:
    said = empty.text("db", "upgrade")

    assert said.startswith("The database is ready (revision ")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert empty.json("db", "upgrade")["revision"] in said


def test_without_upgrade_every_verb_says_what_to_run(empty: Calbridge) -> None:
    done = empty.call("users", "list", "--tenant", "acme")

    assert done.exit_code == 3
    assert "What to do: Run calbridge db upgrade." in done.stderr


def test_a_data_folder_that_can_not_be_made_is_the_administrators_business(empty: Calbridge, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = empty.call("db", "upgrade", CALBRIDGE_DATA_DIR=str(tmp_path / "file" / "data"))

    assert done.exit_code == 3
    assert "CALBRIDGE_DATA_DIR: the folder can't be made" in done.stderr


def test_a_setting_that_can_not_be_used_is_named(empty: Calbridge) -> None:
    done = empty.call("settings", CALBRIDGE_DATABASE_URL="mysql://alice:hunter2@db/x")

    assert done.exit_code == 3
    assert "CALBRIDGE_DATABASE_URL must start with" in done.stderr
    assert "hunter2" not in done.output


def test_settings_are_shown_without_secrets(empty: Calbridge) -> None:
    shown = empty.text("settings", CALBRIDGE_SECRET_KEYS="k" * 40)

    assert re.search(r"^CALBRIDGE_SECRET_KEYS +1 set \(hidden\)$", shown, re.MULTILINE)
    assert "kkkk" not in shown


def test_the_only_tenant_needs_no_name(calbridge: Calbridge) -> None:
    assert [user["id"] for user in calbridge.json("users", "list")["data"]] == ["alice"]


def test_without_a_tenant_the_error_says_how_to_make_one(empty: Calbridge) -> None:
    empty.text("db", "upgrade")

    done = empty.call("users", "list")

    assert done.exit_code == 3
    assert "calbridge tenants create" in done.stderr


def test_with_several_tenants_one_must_be_named_by_option_or_environment(calbridge: Calbridge) -> None:
    calbridge.text("tenants", "create", "globex")

    done = calbridge.call("users", "list")
    assert done.exit_code == 2
    assert "There are several tenants (acme, globex): name one with --tenant or CALBRIDGE_TENANT." in done.stderr
    assert calbridge.json("users", "list", "--tenant", "globex")["data"] == []
    assert len(calbridge.json("users", "list", CALBRIDGE_TENANT="acme")["data"]) == 1


def test_tenants_are_listed_and_made_once(calbridge: Calbridge) -> None:
    assert "Acme IT" in calbridge.text("tenants", "list")

    again = calbridge.call("tenants", "create", "acme")
    assert again.exit_code == 1
    assert "It exists already." in again.stderr


def test_connectors_are_listed_before_there_is_a_database(empty: Calbridge) -> None:
    services = {each["service"] for each in empty.json("connectors")["data"]}

    assert {"caldav", "icloud"} <= services
    assert "CalDAV" in empty.text("connectors")


def test_a_private_host_is_granted_listed_and_taken_back(calbridge: Calbridge) -> None:
    assert calbridge.text("hosts", "grant", "127.0.0.1:5232") == "Granted: 127.0.0.1:5232.\n"
    assert [each["host"] for each in calbridge.json("hosts", "list")["data"]] == ["127.0.0.1:5232"]

    calbridge.text("hosts", "revoke", "127.0.0.1:5232")
    assert calbridge.text("hosts", "list") == "Nothing private is granted.\n"


def test_a_grant_beyond_the_operators_ceiling_is_refused(calbridge: Calbridge) -> None:
    done = calbridge.call("hosts", "grant", "10.0.0.0/8:443")

    assert done.exit_code in (1, 3)
    assert "What to do: " in done.stderr


def test_doctor_finds_a_good_installation_good_and_one_without_tables_not(calbridge: Calbridge, tmp_path: Path) -> None:
    well = calbridge.json("doctor")["data"]
    assert well
    assert all(finding["ok"] for finding in well)

    ill = calbridge.call("doctor", CALBRIDGE_DATA_DIR=str(tmp_path / "other"))
    assert ill.exit_code == 3
    assert "PROBLEM" in ill.stdout
    assert "db upgrade" in ill.stdout


def test_the_doctor_marks_what_may_be_meant_so_as_a_note(calbridge: Calbridge) -> None:
    said = calbridge.text("doctor")

    assert re.search(r"^note +No Redis is configured", said, re.MULTILINE)
    assert re.search(r"^ok +the database can be written", said, re.MULTILINE)
    assert "PROBLEM" not in said


def test_a_key_file_that_others_can_read_is_refused_with_its_name(calbridge: Calbridge, tmp_path: Path) -> None:
    (tmp_path / "data" / "secret.key").chmod(0o644)

    done = calbridge.call("doctor")

    assert done.exit_code == 3
    assert f"the key file {tmp_path / 'data' / 'secret.key'} must be readable by its owner only" in done.stderr


def test_cursors_of_before_are_void_after_a_backup_was_put_back(calbridge: Calbridge) -> None:
    def feed(cursor: str | None) -> str:
        with build(load_settings({name: value for name, value in calbridge.environment.items() if value})) as parts:
            return list_changes(parts, "acme", cursor=cursor).next_cursor

    before = feed("latest")
    assert feed(before)

    assert calbridge.json("db", "restored") == {"tenants": 1}
    with pytest.raises(Refused) as caught:
        feed(before)
    assert caught.value.code == "cursor_expired"


def test_a_tick_with_nothing_due_says_so(calbridge: Calbridge) -> None:
    assert calbridge.text("tick") == "Nothing was due.\n"


def test_programs_read_an_error_as_json_and_the_answer_stays_empty(calbridge: Calbridge) -> None:
    done = calbridge.call("items", "list", "--user", "nobody", "--json")

    assert done.exit_code == 1
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["code"] == "user_not_found"


def test_the_log_is_silent_unless_asked_for(calbridge: Calbridge) -> None:
    assert calbridge.call("users", "put", "bob").stderr == ""


def test_the_log_tells_what_a_command_has_to_tell_and_nothing_of_the_others(calbridge: Calbridge) -> None:
    asked = {"CALBRIDGE_LOG_LEVEL": "info"}
    assert calbridge.call("users", "put", "bob", **asked).stderr == ""

    told = calbridge.call("keys", "create", "--platform", "--name", "A", **asked).stderr.splitlines()

    assert json.loads(told[0])["event"] == "key_created"


def test_secrets_that_no_key_opens_are_the_administrators_business(linked: Linked) -> None:
    assert linked.calbridge.call("secrets", "rotate").exit_code == 0

    for verb in ("rotate", "verify"):
        done = linked.calbridge.call("secrets", verb, CALBRIDGE_SECRET_KEYS="k" * 40)
        assert done.exit_code == 3, done.output


def test_the_doctor_tries_to_write_the_database(calbridge: Calbridge, tmp_path: Path) -> None:
    database = f"sqlite:///file:{tmp_path / 'data' / 'calbridge.db'}?mode=ro&uri=true"

    done = calbridge.call("doctor", CALBRIDGE_DATABASE_URL=database)

    assert done.exit_code == 3
    assert "the database can be written" not in done.stdout
    assert re.search(r"^PROBLEM +the database can be read but not written", done.stdout, re.MULTILINE)


def test_connectors_that_no_distribution_offers_are_put_down_to_the_setting(calbridge: Calbridge) -> None:
    assert "CALBRIDGE_CONNECTORS" in calbridge.text("connectors", CALBRIDGE_CONNECTORS="nope")

    ill = calbridge.call("doctor", CALBRIDGE_CONNECTORS="nope")
    assert ill.exit_code == 3
    assert "CALBRIDGE_CONNECTORS names no connector that is installed" in ill.stdout


def test_a_connector_that_is_named_and_not_installed_is_told_beside_those_that_are(calbridge: Calbridge) -> None:
    named = {"CALBRIDGE_CONNECTORS": "calbridge_CalDAV, calbridge-gogle"}

    shown = calbridge.json("connectors", **named)["data"]

    assert {row["service"] for row in shown if not row["problem"]} == {"caldav", "icloud"}
    (wrong,) = [row for row in shown if row["problem"]]
    assert wrong["connector"] == "calbridge-gogle"
    assert "CALBRIDGE_CONNECTORS names it" in wrong["problem"]
    ill = calbridge.call("doctor", **named)
    assert ill.exit_code == 3
    assert "calbridge-gogle: not_installed" in ill.stdout
