"""Verbs about users."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Calbridge

HEADER = "user_id,email,name,time_zone,calendar_sync\n"


def test_what_is_not_said_is_kept(calbridge: Calbridge) -> None:
    calbridge.text("users", "put", "alice", "--name", "Alice")

    user = calbridge.json("users", "list")["data"][0]
    assert (user["name"], user["email"], user["time_zone"]) == ("Alice", "alice@example.com", "Europe/Vienna")


def test_a_zone_that_nobody_knows_is_refused(calbridge: Calbridge) -> None:
    done = calbridge.call("users", "put", "alice", "--time-zone", "Europe/Wien")

    assert done.exit_code == 1
    assert "unknown_time_zone" in done.stderr
    assert "event" not in done.stderr


def test_a_name_that_is_too_long_is_told_as_what_it_is(calbridge: Calbridge) -> None:
    done = calbridge.call("users", "put", "alice", "--name", "x" * 201)

    assert done.exit_code == 1
    assert "too_large: must have at most 200 characters (field=name)" in done.stderr
    assert "The entry" not in done.stderr


@pytest.mark.parametrize("name", ["posixrules", "Factory", "localtime"])
def test_a_file_of_the_zone_database_that_is_no_zone_is_refused(calbridge: Calbridge, name: str) -> None:
    done = calbridge.call("users", "put", "alice", "--time-zone", name)

    assert done.exit_code == 1
    assert "unknown_time_zone" in done.stderr


def test_a_file_is_imported_with_a_report_of_every_line(calbridge: Calbridge, tmp_path: Path) -> None:
    file, report = tmp_path / "staff.csv", tmp_path / "report.csv"
    file.write_text(HEADER + "bob,bob@example.com,Bob,Europe/Berlin,yes\n=1+1,x,X,Mars/Base,maybe\n", encoding="utf-8")

    done = calbridge.call("users", "import", str(file), "--report", str(report))

    assert done.exit_code == 1
    assert done.stdout.startswith("Lines: 2, created: 1, updated: 0, unchanged: 0, failed: 1\n")
    with report.open(encoding="utf-8") as written:
        rows = list(csv.DictReader(written))
    assert [row["status"] for row in rows] == ["created", "failed"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {user["id"] for user in calbridge.json("users", "list")["data"]} == {"alice", "bob"}


def test_the_same_file_again_changes_nothing_and_succeeds(calbridge: Calbridge, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    file.write_text(HEADER + "bob,bob@example.com,Bob,Europe/Berlin,yes\n", encoding="utf-8")
    calbridge.text("users", "import", str(file))

    assert "unchanged: 1, failed: 0" in calbridge.text("users", "import", str(file))


def test_a_file_that_is_no_list_of_users_is_refused_in_two_sentences(calbridge: Calbridge, tmp_path: Path) -> None:
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)) * 20)

    done = calbridge.call("users", "import", str(tmp_path / "photo.csv"))

    assert done.exit_code == 1
    assert "What to do: Save it as UTF-8" in done.stderr


def test_a_file_in_another_encoding_is_refused_whole(calbridge: Calbridge, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_bytes((HEADER + "jo,jo@example.com,Jörg,Europe/Vienna,yes\n").encode("latin-1"))

    done = calbridge.call("users", "import", str(tmp_path / "staff.csv"))

    assert done.exit_code == 1
    assert "What to do: Save it as UTF-8" in done.stderr
    assert [user["id"] for user in calbridge.json("users", "list")["data"]] == ["alice"]


def test_utf_8_with_a_byte_order_mark_is_read(calbridge: Calbridge, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    file.write_text(HEADER + "jo,jo@example.com,Jörg,Europe/Vienna,yes\n", encoding="utf-8-sig")

    calbridge.text("users", "import", str(file))
    assert "Jörg" in calbridge.text("users", "list")


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        ("user_id;email;name", "columns are separated by commas, not by semicolons"),
        ("user_id\temail\tname", "columns are separated by commas, not by tabs"),
        ("user_id,mail", "the column 'mail' is not known"),
        ("user_id,email,email", "the column email is there twice"),
        ("email,name", "the column user_id is missing"),
    ],
)
def test_what_is_wrong_with_the_first_line_is_named(
    calbridge: Calbridge, tmp_path: Path, header: str, wrong: str
) -> None:
    (tmp_path / "staff.csv").write_text(f"{header}\n", encoding="utf-8")

    done = calbridge.call("users", "import", str(tmp_path / "staff.csv"))

    assert done.exit_code == 1
    assert f"Code: invalid_csv: {wrong}; the first line names the columns: user_id, email" in done.stderr


def test_a_missing_file_is_a_usage_error(calbridge: Calbridge, tmp_path: Path) -> None:
    assert calbridge.call("users", "import", str(tmp_path / "none.csv")).exit_code == 2


def test_everything_about_a_user_is_written_to_a_file(calbridge: Calbridge, tmp_path: Path) -> None:
    calbridge.text("users", "export", "alice", "--output", str(tmp_path / "alice.json"))

    document = json.loads((tmp_path / "alice.json").read_text(encoding="utf-8"))
    assert "alice@example.com" in json.dumps(document)
    assert json.loads(calbridge.text("users", "export", "alice")).keys() == document.keys()


def test_a_file_about_a_user_is_its_owners_alone_and_what_is_in_it_is_told(
    calbridge: Calbridge, tmp_path: Path
) -> None:
    file, kept = tmp_path / "alice.json", tmp_path / "kept.json"
    kept.write_text("x" * 100_000, encoding="utf-8")

    done = calbridge.call("users", "export", "alice", "--output", str(file))
    calbridge.text("users", "export", "alice", "--output", str(kept))

    assert file.stat().st_mode & 0o777 == 0o600
    assert done.stdout == ""
    assert f"{file} is written (accounts: 0, integrations: 0, items: 0," in done.stderr
    assert json.loads(kept.read_text(encoding="utf-8"))["user"]["id"] == "alice"


def test_a_report_that_can_not_be_written_is_told_before_anybody_is_imported(
    calbridge: Calbridge, tmp_path: Path
) -> None:
    (tmp_path / "staff.csv").write_text(HEADER + "bob,bob@example.com,Bob,,yes\n", encoding="utf-8")

    done = calbridge.call(
        "users", "import", str(tmp_path / "staff.csv"), "--report", str(tmp_path / "no" / "report.csv")
    )

    assert done.exit_code == 2
    assert "can't be written" in done.stderr
    assert [user["id"] for user in calbridge.json("users", "list")["data"]] == ["alice"]


def test_a_file_that_is_refused_leaves_the_report_as_it_was(calbridge: Calbridge, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("name\nBob\n", encoding="utf-8")
    (tmp_path / "before.csv").write_text("of yesterday", encoding="utf-8")

    for report in ("before.csv", "new.csv"):
        done = calbridge.call("users", "import", str(tmp_path / "staff.csv"), "--report", str(tmp_path / report))
        assert done.exit_code == 1

    assert (tmp_path / "before.csv").read_text(encoding="utf-8") == "of yesterday"
    assert not (tmp_path / "new.csv").exists()


def test_nobody_is_deleted_without_being_asked_for(calbridge: Calbridge) -> None:
    done = calbridge.call("users", "delete", "alice")
    assert done.exit_code == 2
    assert "add --yes" in done.stderr

    calbridge.text("users", "delete", "alice", "--yes")
    assert calbridge.text("users", "list").startswith("There is no user yet")
