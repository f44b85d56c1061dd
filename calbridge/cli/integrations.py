"""Verbs about integrations: what links a user's My Calendar with a calendar elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from calbridge.cli.output import Column, moment, text
from calbridge.cli.password import password_option, read_password
from calbridge.cli.session import Session
from calbridge.cli.verbs import ask, user_option, verb, yes_option
from calbridge.cli.words import settings_lines, settings_words
from calbridge.service import accounts as signing_in
from calbridge.service import connectors as connecting
from calbridge.service import integrations as linking
from calbridge.service.authorizing import authorize
from calbridge.service.views import to_json
from calbridge.settings import variable_name

INTEGRATIONS = click.Group("integrations", help="Links between a user's My Calendar and a calendar elsewhere.")

INTEGRATION = (
    Column("Integration", "id"),
    Column("User", "user_id"),
    Column("Service", "service"),
    Column("Account", "account.username"),
    Column("Calendar", "calendar.name"),
    Column("Active", "active"),
    Column("Status", "status"),
    Column("Reason", "reason"),
    Column("Last sync", "last_sync_at", moment),
)
_WHOLE = (
    *INTEGRATION,
    Column("Address", "account.url"),
    Column("Last run", "last_run_at", moment),
    Column("Fresh as of", "fresh_as_of", moment),
    Column("Next run", "next_run_at", moment),
)
_SETTING = (Column("Setting", "name"), Column("Value", "value"))
_CALENDAR = (
    Column("Calendar", "id"),
    Column("Name", "name"),
    Column("Time zone", "time_zone"),
    Column("Primary", "primary"),
    Column("Writable", "writable"),
)
_ACCOUNT = (
    Column("Service", "service"),
    Column("Address", "url"),
    Column("User name", "username"),
    Column("Owner", "owner_address"),
)
_PAGE = (
    Column("Open in the user's browser", "authorize_url"),
    Column("Until", "expires_at", moment),
)
_SERVICE = (
    Column("Service", "service"),
    Column("Title", "title"),
    Column("Connector", "connector"),
    Column("Sign-in", "authentication"),
    Column("Needs URL", "needs_url"),
    Column("Problem", "problem"),
)

integration_argument = click.argument("integration_id", metavar="INTEGRATION")


def setting_option() -> Callable[[Any], Any]:
    """Settings by name, as often as wanted."""
    told = "A setting, such as retrieve.delete=false or send.types='[\"appointment\"]'. May be repeated."
    return click.option("--setting", "words", multiple=True, metavar="NAME=VALUE", help=told)


@verb(None, "connectors", "connectors", "connectors --json", tenant=False)
def connectors(session: Session) -> None:
    """Show the calendar services that can be linked, and connectors that have a problem."""
    rows = map(to_json, connecting.list_connectors(session.parts))
    none = "No connector is installed: install one, such as calbridge-caldav."
    if session.settings.connectors is not None:
        none = (
            f"No connector that {variable_name('connectors')} names is installed: correct it, or unset it to use all."
        )
    session.out.rows(rows, _SERVICE, none=none)


@verb(
    INTEGRATIONS,
    "add",
    "integrations add --user alice --service icloud --username alice@example.com",
    "integrations add --user alice --service caldav --url https://dav.example.com/ --username alice --password-stdin",
    "integrations add --user alice --service google",
)
@user_option()
@click.option("--service", required=True, help="One of those that calbridge connectors shows.")
@click.option("--url", help="Address of the calendar server, for services that need one.")
@click.option("--username", help="User name at the service; without it one signs in later.")
@password_option()
@click.option("--calendar", "calendar_id", metavar="CALENDAR", help="The calendar to link; can be chosen later.")
@setting_option()
@click.option("--active", is_flag=True, help="Start to keep both sides the same at once; needs --calendar.")
def add(session: Session, username: str | None, password_stdin: bool, words: tuple[str, ...], **fields: Any) -> None:
    """Link a user with an account at a calendar service. The password is checked there before it is stored."""
    if fields["active"] and fields["calendar_id"] is None:
        raise click.UsageError("--active needs --calendar.", click.get_current_context())
    settings = settings_words(words) or None
    tenant, url = session.tenant, fields.pop("url")
    account = username and _account(url, username, read_password(username, from_stdin=password_stdin))
    made = linking.add_integration(session.parts, tenant, account=account or None, settings=settings, **fields)
    record = to_json(made)
    session.out.record(record, INTEGRATION)
    if record["account"] is None:
        session.out.hint(f"Next: calbridge integrations sign-in {record['id']}.")
    elif record["calendar"] is None:
        session.out.hint(f"Next: calbridge integrations calendars {record['id']} shows which calendars can be linked.")


@verb(INTEGRATIONS, "calendars", "integrations calendars int-1")
@integration_argument
def calendars(session: Session, integration_id: str) -> None:
    """Show the calendars of the account."""
    found = linking.list_calendars(session.parts, session.tenant, integration_id)
    session.out.rows(map(to_json, found), _CALENDAR, none="The account has no calendar.")


@verb(INTEGRATIONS, "list", "integrations list --user alice", "integrations list --status not_connected")
@user_option(required=False)
@click.option("--service", help="Only those of this service.")
@click.option("--status", help="Only those with this status: setup, connected, not_connected, deleting.")
@click.option("--active/--inactive", default=None, help="Only those that are switched on, or off.")
def list_all(session: Session, **filters: Any) -> None:
    """Show integrations."""
    found = linking.list_integrations(session.parts, session.tenant, **filters)
    session.out.rows(map(to_json, found), INTEGRATION, none="There is no such integration.")


@verb(INTEGRATIONS, "show", "integrations show int-1")
@integration_argument
def show(session: Session, integration_id: str) -> None:
    """Show one integration with all its settings, as --setting of integrations set takes them."""
    record = to_json(linking.get_integration(session.parts, session.tenant, integration_id))
    session.out.record(record, _WHOLE)
    if not session.out.as_json:
        rows = [{"name": name, "value": value} for name, value in settings_lines(record["settings"])]
        session.out.say("")
        session.out.rows(rows, _SETTING, none="")


@verb(
    INTEGRATIONS,
    "set",
    "integrations set int-1 --calendar /alice/work/ --active",
    "integrations set int-1 --setting retrieve.delete=false --setting conflict=newest",
)
@integration_argument
@click.option("--active/--inactive", default=None, help="Switch it on or off.")
@click.option("--calendar", "calendar_id", metavar="CALENDAR", help="Link this calendar.")
@click.option(
    "--old-calendar",
    type=click.Choice(["keep", "remove_ours"]),
    default="keep",
    show_default=True,
    help="What happens, in the calendar linked so far, to the events calbridge made.",
)
@setting_option()
@click.option("--confirm-leaving", type=int, metavar="NUMBER", help="Go on although NUMBER copies are removed.")
def change(session: Session, integration_id: str, words: tuple[str, ...], **fields: Any) -> None:
    """Change an integration: switch it on or off, link another calendar, change settings."""
    changed = linking.change_integration(
        session.parts, session.tenant, integration_id, settings=settings_words(words) or None, **fields
    )
    session.out.record(to_json(changed), INTEGRATION)


@verb(
    INTEGRATIONS,
    "sign-in",
    "integrations sign-in int-1 --username alice --password-stdin",
    "integrations sign-in int-1 --relink",
)
@integration_argument
@click.option("--username", help="User name at the service; the one so far, where it is not given.")
@click.option("--url", help="Address of the calendar server; the one so far, where it is not given.")
@click.option("--relink", is_flag=True, help="Allow the account of somebody else, on a service's own page.")
@password_option()
def sign_in(
    session: Session, integration_id: str, username: str | None, url: str | None, relink: bool, password_stdin: bool
) -> None:
    """Sign in anew: with a password, or by the address of a page for the user's browser.

    A password is checked at the service before it is stored.
    """
    known = to_json(linking.get_integration(session.parts, session.tenant, integration_id))
    if _has_page(session, known["service"]):
        page = authorize(session.parts, session.tenant, integration_id, relink=relink)
        session.out.record(to_json(page), _PAGE)
        return
    before = known["account"] or {}
    username, url = username or before.get("username"), url or before.get("url")
    if not username:
        raise click.UsageError("--username is needed: nobody has signed in yet.", click.get_current_context())
    account = _account(url, username, read_password(username, from_stdin=password_stdin))
    stored = signing_in.put_account(session.parts, session.tenant, integration_id, account)
    session.out.record(to_json(stored), _ACCOUNT)


@verb(INTEGRATIONS, "check", "integrations check int-1")
@integration_argument
def check(session: Session, integration_id: str) -> None:
    """Try the stored password at the service."""
    account = to_json(signing_in.check_account(session.parts, session.tenant, integration_id))
    session.out.record(account, _ACCOUNT)


@verb(INTEGRATIONS, "delete", "integrations delete int-1 --yes", "integrations delete int-1 --remove linked --yes")
@integration_argument
@click.option(
    "--remove",
    type=click.Choice(["linked", "psa"]),
    multiple=True,
    help="Also remove what was copied: into the linked calendar, into My Calendar (psa). May be repeated.",
)
@yes_option()
def delete(session: Session, integration_id: str, remove: tuple[str, ...], yes: bool) -> None:
    """Delete an integration. Both calendars stay as they are unless --remove says otherwise."""
    tenant = session.tenant
    ask(f"Delete integration {integration_id}{_removing(remove)}?", yes=yes)
    done: Mapping[str, Any] = to_json(
        linking.delete_integration(session.parts, tenant, integration_id, remove=frozenset(remove))
    )
    told = ", ".join(f"{name}: {text(value)}" for name, value in done.items() if name != "integration_id")
    session.out.done(f"Integration {integration_id} is deleted ({told}).", done)


def _removing(remove: tuple[str, ...]) -> str:
    places = {"linked": "the linked calendar", "psa": "My Calendar"}
    return f" and remove its copies from {' and '.join(places[name] for name in remove)}" if remove else ""


def _has_page(session: Session, service: str) -> bool:
    """Whether one signs in on the service's own page."""
    offered = connecting.list_connectors(session.parts)
    return any(each.service == service and each.authentication == "oauth" for each in offered)


def _account(url: str | None, username: str, password: str) -> dict[str, str]:
    account = {"username": username, "password": password}
    return account if url is None else {"url": url, **account}
