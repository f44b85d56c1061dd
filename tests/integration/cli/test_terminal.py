"""What a person at a terminal sees and is asked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.integration.cli.conftest import PASSWORD, Calbridge
from tests.integration.cli.terminal import Seen, on_terminal
from tests.servers.calendar_server import CalendarServer

COMMAND = str(Path(sys.executable).parent / "calbridge")


def call(calbridge: Calbridge, *words: str, **answers: str) -> Seen:
    """A verb on a terminal."""
    environ = {name: value for name, value in calbridge.environment.items() if value is not None}
    return on_terminal([COMMAND, *words], environ=environ, answers=answers)


def test_a_table_keeps_to_the_width_of_the_terminal_and_loses_nothing() -> None:
    code = (
        "from calbridge.cli.output import Column, Output\n"
        "rows = [{'a': 'word ' * 30, 'b': '[bold]markup[/bold]', 'c': '\\x1b[31mred'}]\n"
        "Output().rows(rows, [Column('A', 'a'), Column('B', 'b'), Column('C', 'c')], none='')\n"
    )

    seen = on_terminal([sys.executable, "-c", code], columns=60, environ={"PYTHONPATH": str(ROOT)}, answers={})

    lines = re.sub("\x1b\\[[01]m", "", seen.text).split("\r\n")
    assert max(map(len, lines)) <= 60
    assert seen.text.count("word") == 30
    assert "[bold]markup" in seen.text
    assert "\x1b[31m" not in seen.text


def test_the_password_is_asked_for_and_not_shown(calbridge: Calbridge, server: CalendarServer) -> None:
    calbridge.text("hosts", "grant", f"127.0.0.1:{server.port}")
    add = ("integrations", "add", "--user", "alice", "--service", "caldav", "--url", server.url, "--username", "alice")

    seen = call(calbridge, *add, **{"Password of alice": PASSWORD})

    assert seen.exit_code == 0, seen.text
    assert PASSWORD not in seen.text


def test_a_deletion_is_asked_about_and_no_means_no(calbridge: Calbridge) -> None:
    assert call(calbridge, "users", "delete", "alice", **{"Delete user alice": "n"}).exit_code == 130
    assert len(calbridge.json("users", "list")["data"]) == 1

    assert call(calbridge, "users", "delete", "alice", **{"Delete user alice": "y"}).exit_code == 0
    assert calbridge.json("users", "list")["data"] == []


def test_an_import_shows_how_far_it_is(calbridge: Calbridge, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    lines = [f"user{number},user{number}@example.com,User,Europe/Vienna,yes\n" for number in range(200)]
    file.write_text("user_id,email,name,time_zone,calendar_sync\n" + "".join(lines), encoding="utf-8")

    seen = call(calbridge, "users", "import", str(file))

    assert seen.exit_code == 0, seen.text
    assert "100%" in seen.text
    assert "created: 200" in seen.text


def drawn(columns: int, rows: list[dict[str, str]]) -> str:
    """Rows of an id, a user's id and two other values on a terminal of this width."""
    code = (
        "from calbridge.cli.output import Column, Output\n"
        "columns = [Column('Item', 'id'), Column('User', 'user_id'), Column('Title', 'a'), Column('Place', 'b')]\n"
        f"Output().rows({rows!r}, columns, none='')\n"
    )
    seen = on_terminal([sys.executable, "-c", code], columns=columns, environ={"PYTHONPATH": str(ROOT)}, answers={})
    return re.sub("\x1b\\[[01]m", "", seen.text).replace("\r\n", "\n")


def test_an_id_is_never_broken_over_lines_and_other_values_give_way() -> None:
    row = {"id": "5f1c0ad2b7e94c3390aa6d21", "user_id": "alice", "a": "word " * 20, "b": "Vienna " * 5}

    seen = drawn(80, [row, row])

    assert seen.count(row["id"]) == 2
    assert seen.count("word") == 40
    assert max(map(len, seen.split("\n"))) <= 80
    assert seen.split("\n")[0].split() == ["Item", "User", "Title", "Place"]


def test_where_not_even_ids_fit_each_row_stands_below_each_other() -> None:
    row = {"id": "5f1c0ad2b7e94c3390aa6d21", "user_id": "user-" * 10, "a": "Dentist", "b": ""}

    seen = drawn(80, [row | {"b": "Vienna"}, row])

    assert seen == (
        f"Item   {row['id']}\nUser   {row['user_id']}\nTitle  Dentist\nPlace  Vienna\n\n"
        f"Item   {row['id']}\nUser   {row['user_id']}\nTitle  Dentist\n"
    )
