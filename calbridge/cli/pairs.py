"""Verbs about single pairs: links, and events of the linked calendar that are known but not linked."""

from __future__ import annotations

import click

from calbridge.cli.output import Column, moment
from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.service import known as knowing
from calbridge.service import links as linking
from calbridge.service.views import to_json

LINKS = click.Group("links", help="Pairs of an item and an event, and what a person can decide about them.")
KNOWN = click.Group("known", help="Events of the linked calendar that are known but not linked.")

LINK_ACTIONS = ("reopen", "apply_withheld", "consent", "thaw", "retry")
KNOWN_ACTIONS = ("link", "retrieve", "ignore")
_LINK = (
    Column("Item", "item_id"),
    Column("Title", "title"),
    Column("State", "state"),
    Column("Reason", "reason"),
    Column("Since", "since", moment),
)
_KNOWN = (
    Column("Id", "id"),
    Column("State", "state"),
    Column("Code", "code"),
    Column("Starts", "starts_at", moment),
    Column("Ends", "ends_at", moment),
    Column("Event", "remote_id"),
)


@verb(LINKS, "list", "links list int-1 --state withheld")
@click.argument("integration_id", metavar="INTEGRATION")
@click.option("--state", help="Only those in this state, such as synced, withheld, failed, closed.")
def list_links(session: Session, integration_id: str, state: str | None) -> None:
    """Show the links of an integration and their states."""
    found = linking.list_links(session.parts, session.tenant, integration_id, state=state)
    session.out.rows(map(to_json, found), _LINK, none="There is no such link.")


@verb(LINKS, "act", "links act int-1 itm-1 reopen")
@click.argument("integration_id", metavar="INTEGRATION")
@click.argument("item_id", metavar="ITEM")
@click.argument("action", type=click.Choice(LINK_ACTIONS))
def act_on_link(session: Session, integration_id: str, item_id: str, action: str) -> None:
    """Decide about one link; the next sync carries it out.

    reopen: put it on both sides again. apply_withheld: take over what an option held back. consent: let the service
    mail the guests. thaw: go on with an entry that was frozen. retry: try a failed one again now.
    """
    link = to_json(linking.act_on_link(session.parts, session.tenant, integration_id, item_id, action))
    session.out.record(link, _LINK)


@verb(KNOWN, "list", "known list int-1 --state ambiguous")
@click.argument("integration_id", metavar="INTEGRATION")
@click.option("--state", help="Only those in this state, such as known, ambiguous, quarantined.")
def list_known(session: Session, integration_id: str, state: str | None) -> None:
    """Show events that are known but not linked.

    What they say is not kept, and their times only where they had to be read: their address at the service tells which
    they are.
    """
    found = knowing.list_known(session.parts, session.tenant, integration_id, state=state)
    session.out.rows(map(to_json, found), _KNOWN, none="There is no such event.")


@verb(KNOWN, "act", "known act int-1 17 link --item itm-1", "known act int-1 17 retrieve")
@click.argument("integration_id", metavar="INTEGRATION")
@click.argument("known_id", metavar="KNOWN")
@click.argument("action", type=click.Choice(KNOWN_ACTIONS))
@click.option("--item", "item_id", metavar="ITEM", help="The item that belongs to it; for link.")
def act_on_known(session: Session, integration_id: str, known_id: str, action: str, item_id: str | None) -> None:
    """Decide about one event: link it with an item, retrieve it as a new one, or ignore it."""
    if (action == "link") != (item_id is not None):
        raise click.UsageError("--item goes with link, and only there.", click.get_current_context())
    tenant = session.tenant
    row = to_json(knowing.act_on_known(session.parts, tenant, integration_id, known_id, action, item_id=item_id))
    session.out.record(row, _KNOWN)
