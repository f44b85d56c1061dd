"""Verbs about the keys of programs that call the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import click

from calbridge.cli.output import Column, moment
from calbridge.cli.session import Session
from calbridge.cli.verbs import ask, verb, yes_option
from calbridge.service import keys as keeping
from calbridge.service.access import Role
from calbridge.service.views import to_json

KEYS = click.Group("keys", help="Keys of programs that call the API: the platform's own, and those of tenants.")

_KEY = (
    Column("Key", "id"),
    Column("Role", "role"),
    Column("Name", "name"),
    Column("Begins with", "prefix"),
    Column("Made", "created_at", moment),
    Column("Expires", "expires_at", moment),
    Column("Last used", "last_used_at", moment),
)
_NEW = (*_KEY[:3], Column("Expires", "expires_at", moment), Column("Secret", "key"))


class Day(click.ParamType[datetime]):
    """A date; the key is refused from its beginning, in UTC."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Midnight UTC."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.combine(date.fromisoformat(str(value)), time(), UTC)
        except ValueError:
            self.fail(f"{value!r} is no date: write 2027-12-31.", param, ctx)


def platform_option() -> Callable[[Any], Any]:
    """The platform's own keys instead of a tenant's."""
    return click.option("--platform", is_flag=True, help="The platform's own keys, which make tenants and their keys.")


@verb(KEYS, "create", "keys create --role backend --name PSA", "keys create --platform --name Operations")
@platform_option()
@click.option(
    "--role",
    type=click.Choice([Role.ADMIN.value, Role.BACKEND.value]),
    help="What the key of a tenant may do: administer it, or work for all its users.",
)
@click.option("--name", required=True, help="A name for people; two keys of one name and role may live at a time.")
@click.option("--expires", type=Day(), metavar="DATE", help="The day from which it is refused. Default: never.")
def create(session: Session, platform: bool, role: str | None, name: str, expires: datetime | None) -> None:
    """Make a key. It is shown this once: only its digest is stored."""
    if platform == (role is not None):
        raise click.UsageError("Say either --role or --platform.", click.get_current_context())
    if expires is not None and expires <= datetime.now(UTC):
        begun = f"--expires {expires:%Y-%m-%d} has begun in UTC, so that the key would be refused at once"
        told = f"{begun}: name a day to come."
        raise click.UsageError(told, click.get_current_context())
    chosen = Role(role) if role else Role.PLATFORM
    made = to_json(keeping.create_key(session.parts, None if platform else session.tenant, chosen, name, expires))
    session.out.record(made, _NEW)
    session.out.hint("Keep the secret now: it can't be shown again.")


@verb(KEYS, "list", "keys list", "keys list --platform")
@platform_option()
def list_all(session: Session, platform: bool) -> None:
    """Show the keys there are, without their secrets."""
    tenant = None if platform else session.tenant
    found: list[Any] = []
    while page := keeping.list_keys(session.parts, tenant, after=found[-1]["id"] if found else None):
        found += map(to_json, page)
    session.out.rows(found, _KEY, none="There is no key yet: make one with calbridge keys create.")


@verb(KEYS, "revoke", "keys revoke 5f1c0ad2b7e94c3390aa6d21 --yes")
@click.argument("key_id", metavar="KEY")
@platform_option()
@yes_option()
def revoke(session: Session, key_id: str, platform: bool, yes: bool) -> None:
    """Take a key back. It is refused from now on."""
    tenant = None if platform else session.tenant
    ask(f"Take key {key_id} back? Programs that use it are refused at once.", yes=yes)
    gone = to_json(keeping.revoke_key(session.parts, tenant, key_id))
    session.out.done(f"Taken back: {gone['name']} ({gone['role']}).", gone)
