"""Verbs about items: the entries of My Calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import IO, Any

import click

from calbridge.cli.item_words import item_body, recurrence_id, with_occurrence
from calbridge.cli.output import Column, moment, overrides_text, span_point
from calbridge.cli.runs import LOG
from calbridge.cli.session import Session
from calbridge.cli.verbs import user_option, verb
from calbridge.cli.words import TIME, json_object
from calbridge.domain.item import ItemType
from calbridge.errors import Refused
from calbridge.service import items as entries
from calbridge.service.users import get_user
from calbridge.service.views import to_json

ITEMS = click.Group("items", help="Entries of My Calendar. ITEM is our id, or ext: and the id in the PSA.")

_TYPES = click.Choice([str(kind) for kind in ItemType])
_ITEM = (
    Column("Item", "id"),
    Column("Start", "start", span_point),
    Column("End", "end", span_point),
    Column("Title", "title"),
    Column("Type", "type"),
    Column("Repeats", "recurrence"),
    Column("Location", "location"),
)
_WHOLE = (
    Column("Item", "id"),
    Column("In the PSA", "external_id"),
    Column("Type", "type"),
    Column("Title", "title"),
    Column("Start", "start", span_point),
    Column("End", "end", span_point),
    Column("Due", "due", span_point),
    Column("Location", "location"),
    Column("Repeats", "recurrence"),
    Column("Occurrences", "overrides", overrides_text),
    Column("Description", "description.text"),
    Column("Show as", "show_as"),
    Column("Visibility", "visibility"),
    Column("Organizer", "organizer"),
    Column("Attendees", "attendees"),
    Column("Links", "links", lambda links: ", ".join(f"{each['integration_id']}: {each['state']}" for each in links)),
    Column("Version", "version"),
    Column("Changed", "updated_at", moment),
)
_item = click.argument("item_id", metavar="ITEM")
_MANY = "confirmation_needed"


@verb(
    ITEMS,
    "put",
    'items put ext:T-17 --user alice --title "Server check" --start "2027-01-05 10:00" --end "2027-01-05 11:00"',
    'items put ext:T-17 --user alice --occurrence "2027-01-12 10:00" --start "2027-01-12 14:00" '
    '--end "2027-01-12 15:00"',
    "items put itm-1 --user alice --file item.json",
)
@_item
@user_option()
@click.option("--type", type=_TYPES, help="What it is in the PSA.")
@click.option("--title", help="Its title.")
@click.option("--start", type=TIME, help='When it starts: 2027-01-05 or "2027-01-05 10:00".')
@click.option("--end", type=TIME, help="When it ends; for whole days, the day after the last one.")
@click.option("--due", type=TIME, help="When a task or to-do is due.")
@click.option("--time-zone", metavar="ZONE", help="IANA zone of these times; the user's, where it is not given.")
@click.option("--location", help="Where it takes place.")
@click.option("--description", help="Its text.")
@click.option("--status", type=click.Choice(["confirmed", "tentative", "cancelled"]), help="Whether it takes place.")
@click.option("--show-as", help="How the time shows to others, such as busy or free.")
@click.option("--visibility", help="Who may see it, such as default or private.")
@click.option("--record-id", help="The PSA record that several users' items stand for.")
@click.option("--rule", "rules", multiple=True, metavar="RRULE", help='How it repeats: "FREQ=WEEKLY;COUNT=10".')
@click.option("--reminder", "reminders", type=int, multiple=True, metavar="MINUTES", help="Minutes before the start.")
@click.option("--occurrence", type=TIME, help="Change only the occurrence of the series that originally starts then.")
@click.option("--cancel", is_flag=True, help="Cancel that occurrence.")
@click.option("--file", type=click.File("r", encoding="utf-8"), help="The item as JSON (- for standard input).")
def put(session: Session, item_id: str, user_id: str, **words: Any) -> None:
    """Make an item, or change what is named; the rest of it is kept."""
    file: IO[str] | None = words.pop("file")
    occurrence, cancel = words.pop("occurrence"), words.pop("cancel")
    if cancel and occurrence is None:
        raise click.UsageError("--cancel needs --occurrence.", click.get_current_context())
    from_file = json_object(file) if file is not None else {}
    tenant = session.tenant
    zone = words["time_zone"] or get_user(session.parts, tenant, user_id).time_zone
    body = from_file | item_body(words, zone)
    if not body and not cancel:
        raise click.UsageError("Nothing to put: say a title, a time or a --file.", click.get_current_context())
    version = None
    if occurrence is not None:
        known = entries.get_item(session.parts, tenant, user_id, item_id)
        body, version = _of_series(known, recurrence_id(occurrence), body, cancelled=cancel), known["version"]
    item = entries.put_item(session.parts, tenant, user_id, item_id, body, if_version=version)
    session.out.record(item, _WHOLE)


@verb(
    ITEMS,
    "list",
    "items list --user alice --from 2027-01-01 --to 2027-02-01",
    "items list --user alice --expand --from 2027-01-01 --to 2027-02-01 --json",
)
@user_option()
@click.option("--from", "start", type=TIME, help="Only what ends after this time.")
@click.option("--to", "end", type=TIME, help="Only what starts before this time.")
@click.option("--type", type=_TYPES, help="Only items of this type.")
@click.option("--expand", is_flag=True, help="Show each occurrence of a series; needs --from and --to.")
def list_all(session: Session, user_id: str, start: Any, end: Any, **filters: Any) -> None:
    """Show a user's items; times of --from and --to are UTC."""
    found = list(_all_items(session, user_id, start=_instant(start), end=_instant(end), **filters))
    found.sort(key=lambda item: (span_point(item["start"] or item["due"]), item["id"]))
    session.out.rows(found, _ITEM, none="There is no such item.")


@verb(ITEMS, "show", "items show ext:T-17 --user alice")
@_item
@user_option()
def show(session: Session, item_id: str, user_id: str) -> None:
    """Show an item and its history over all integrations."""
    tenant = session.tenant
    item = entries.get_item(session.parts, tenant, user_id, item_id)
    history = [to_json(line) for line in entries.item_history(session.parts, tenant, user_id, item_id)]
    if session.out.as_json:
        session.out.document({"item": item, "history": history})
        return
    session.out.record(item, _WHOLE)
    session.out.say("\nHistory")
    session.out.rows(history, LOG, none="Nothing was carried over yet.")


@verb(ITEMS, "delete", "items delete ext:T-17 --user alice")
@_item
@user_option()
def delete(session: Session, item_id: str, user_id: str) -> None:
    """Delete an item; the next sync takes it off the linked calendars, too."""
    try:
        item = entries.delete_item(session.parts, session.tenant, user_id, item_id)
    except Refused as refused:
        if refused.code == _MANY:
            raise Refused("let them go on with: calbridge items confirm", code=_MANY) from refused
        raise
    session.out.done(f"Item {item['id']} is deleted.", item)


@verb(ITEMS, "confirm", "items confirm")
def confirm(session: Session) -> None:
    """Let items be deleted although they are unusually many, for 24 hours.

    More than 50 linked items in an hour, and more than a fifth of the tenant's, wait for this word; it holds for this
    command line and for all programs of the tenant. Deletions that a sync brings wait for integrations confirm.
    """
    until = entries.confirm_deletes(session.parts, session.tenant)
    told = to_json(until)
    session.out.done(f"Confirmed until {moment(told)}.", {"confirmed_until": told})


def _all_items(session: Session, user_id: str, *, expand: bool, **filters: Any) -> Iterator[dict[str, Any]]:
    """Page by page; occurrences come all at once."""
    last: str | None = None
    while True:
        page = entries.list_items(session.parts, session.tenant, user_id, expand=expand, after=last, **filters)
        yield from page
        if expand or not page:
            return
        last = page[-1]["id"]


def _of_series(item: Mapping[str, Any], key: str, body: dict[str, Any], *, cancelled: bool) -> dict[str, Any]:
    return {"overrides": with_occurrence(item.get("overrides") or [], key, body, cancelled=cancelled)}


def _instant(point: Mapping[str, Any] | None) -> datetime | None:
    if point is None:
        return None
    if "date" in point:
        return datetime.combine(datetime.fromisoformat(point["date"]), time.min, UTC)
    return datetime.fromisoformat(point["date_time"]).replace(tzinfo=UTC)
