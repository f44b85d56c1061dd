"""Verbs about users of the PSA."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, Any

import click

from calbridge.cli.output import Column
from calbridge.cli.session import Session
from calbridge.cli.streams import OUTPUT, opened_file, write_file
from calbridge.cli.verbs import ask, verb, yes_option
from calbridge.service import exports, user_imports
from calbridge.service import users as people
from calbridge.service.views import to_json

USERS = click.Group("users", help="Users of the PSA, known by the PSA's own ids.")

_USER = (
    Column("User", "id"),
    Column("Name", "name"),
    Column("Mail", "email"),
    Column("Time zone", "time_zone"),
    Column("Calendar sync", "calendar_sync"),
)
_IMPORTED = (
    Column("Line", "line"),
    Column("User", "user_id"),
    Column("Status", "status"),
    Column("Code", "code"),
    Column("Detail", "detail"),
)
_SHOWN = 20
"""Failed lines of an import that are shown; `--report` holds all."""


@verb(USERS, "put", "users put alice --email alice@example.com --time-zone Europe/Vienna")
@click.argument("user_id", metavar="USER")
@click.option("--email", help="Mail address.")
@click.option("--name", help="Name for people.")
@click.option("--time-zone", metavar="ZONE", help="IANA time zone, such as Europe/Vienna.")
@click.option("--calendar-sync/--no-calendar-sync", default=None, help="Whether this user may sync at all.")
def put(session: Session, user_id: str, **fields: Any) -> None:
    """Make a user, or change what is named."""
    said = {name: value for name, value in fields.items() if value is not None}
    user = to_json(people.put_user(session.parts, session.tenant, user_id, **said))
    session.out.record(user, _USER)


@verb(USERS, "list", "users list")
def list_all(session: Session) -> None:
    """Show all users of the tenant."""
    found = people.list_users(session.parts, session.tenant)
    session.out.rows(map(to_json, found), _USER, none="There is no user yet: make one with calbridge users put.")


@verb(USERS, "delete", "users delete alice --yes")
@click.argument("user_id", metavar="USER")
@yes_option()
def delete(session: Session, user_id: str, yes: bool) -> None:
    """Delete a user with items, integrations and stored passwords. Linked calendars stay as they are."""
    tenant = session.tenant
    ask(f"Delete user {user_id} with everything calbridge knows?", yes=yes)
    people.delete_user(session.parts, tenant, user_id)
    session.out.done(f"User {user_id} is deleted.", {"deleted": user_id})


@verb(USERS, "export", "users export alice --output alice.json")
@click.argument("user_id", metavar="USER")
@click.option("--output", type=OUTPUT, default="-", help="File to write.")
def export(session: Session, user_id: str, output: str) -> None:
    """Write everything that is stored about a user, as JSON. A new file is readable by nobody else."""
    document = exports.export_user(session.parts, session.tenant, user_id)
    write_file(output, json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n", private=True)
    if output != "-":
        told = ", ".join(f"{name}: {len(rows)}" for name, rows in document.items() if name != "user")
        session.out.hint(f"{output} is written ({told}).")


@verb(USERS, "import", "users import staff.csv --report report.csv")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--report", type=OUTPUT, help="Write a CSV with a line for each.")
def import_file(session: Session, file: IO[str], report: str | None) -> int:
    """Make or change the users of a CSV file with the columns user_id, email, name, time_zone, calendar_sync."""
    tenant = session.tenant
    with nullcontext() if report is None else opened_file(report) as write_report:
        with _progress(quiet=session.out.as_json) as progress:
            done = to_json(user_imports.import_users(session.parts, tenant, file, progress))
        rows = done["rows"]
        if write_report is not None:
            write_report(_report(rows))
    refused = [row for row in rows if row["status"] == "failed"]
    if session.out.as_json:
        session.out.document(done)
        return 1 if refused else 0
    kinds = ("created", "updated", "unchanged", "failed")
    session.out.say(f"Lines: {len(rows)}" + "".join(f", {kind}: {done[kind]}" for kind in kinds))
    if refused:
        session.out.rows(refused[:_SHOWN], _IMPORTED, none="")
    if len(refused) > _SHOWN:
        session.out.hint(f"{len(refused) - _SHOWN} more lines that failed: --report FILE writes all of them.")
    return 1 if refused else 0


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error where a person watches it."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=0, label="Users", file=sys.stderr) as bar:

        def move(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield move


def _report(rows: list[dict[str, Any]]) -> str:
    """As CSV; cells come neutralised from the use case, so that no spreadsheet takes them for a formula."""
    names = [column.place for column in _IMPORTED]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
