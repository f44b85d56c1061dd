"""Verbs about private places that a tenant may reach."""

from __future__ import annotations

import click

from calbridge.cli.output import Column, moment
from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.service import hosts as granting
from calbridge.service.views import to_json

HOSTS = click.Group("hosts", help="Private hosts and networks that a tenant may reach, within PRIVATE_NETWORKS.")
_GRANT = (Column("Host", "host"), Column("Granted", "created_at", moment))


@verb(HOSTS, "grant", "hosts grant calendar.corp.example:5232", "hosts grant 10.1.0.0/16:443")
@click.argument("place", metavar="HOST:PORT")
def grant(session: Session, place: str) -> None:
    """Let the tenant reach a private host (HOST:PORT) or network (CIDR or CIDR:PORT)."""
    granted = to_json(granting.grant_host(session.parts, session.tenant, place))
    session.out.done(f"Granted: {granted['host']}.", granted)


@verb(HOSTS, "list", "hosts list")
def list_all(session: Session) -> None:
    """Show what was granted."""
    session.out.rows(
        map(to_json, granting.list_hosts(session.parts, session.tenant)), _GRANT, none="Nothing private is granted."
    )


@verb(HOSTS, "revoke", "hosts revoke calendar.corp.example:5232")
@click.argument("place", metavar="HOST:PORT")
def revoke(session: Session, place: str) -> None:
    """Take a grant back."""
    granting.revoke_host(session.parts, session.tenant, place)
    session.out.done(f"Taken back: {place}.", {"revoked": place})
