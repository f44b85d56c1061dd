"""Verbs of whoever runs the installation: database, tenants, settings, upkeep, secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

# What a verb needs of the service is loaded by the verb: the other verbs, and --help, shall not wait for it.
from calbridge.cli.output import Column, moment
from calbridge.cli.session import Session
from calbridge.cli.verbs import verb
from calbridge.service.views import to_json

DATABASE = click.Group("db", help="The database of this installation.")
TENANTS = click.Group("tenants", help="Tenants: one for each PSA account.")
SECRETS = click.Group("secrets", help="Stored passwords, and the keys that protect them.")

_TENANT = (Column("Tenant", "id"), Column("Name", "name"), Column("Made", "created_at", moment))
_SETTING = (Column("Variable", "name"), Column("Value", "value"))
_RAN = (
    Column("Integration", "integration_id"),
    Column("Kind", "kind"),
    Column("Status", "status"),
    Column("Reason", "reason"),
)
_FINDING = (Column("", "mark"), Column("What", "what"), Column("What to do", "remedy"))


@verb(DATABASE, "upgrade", "db upgrade", tenant=False)
def upgrade(session: Session) -> None:
    """Make the database and its tables, or bring them up to this version. Does no harm when repeated."""
    from calbridge.app import upgrade_database

    revision = upgrade_database(session.settings)
    session.out.done(f"The database is ready (revision {revision}).", {"revision": revision})


@verb(DATABASE, "restored", "db restored", tenant=False)
def restored(session: Session) -> None:
    """Say that a backup of the database was put back: programs that follow changes are told to read everything anew."""
    from calbridge.service import restoring

    tenants = restoring.restored(session.parts)
    session.out.done(f"Cursors of before are void (tenants: {tenants}).", {"tenants": tenants})


@verb(TENANTS, "create", 'tenants create acme --name "Acme IT Services"', tenant=False)
@click.argument("tenant_id", metavar="TENANT")
@click.option("--name", help="Its name for people; the id, where it is not given.")
def create_tenant(session: Session, tenant_id: str, name: str | None) -> None:
    """Make a tenant."""
    from calbridge.service import tenants as tenancy

    made = to_json(tenancy.create_tenant(session.parts, tenant_id, name or tenant_id))
    session.out.done(f"Tenant {tenant_id} is made.", made)


@verb(TENANTS, "list", "tenants list", tenant=False)
def list_tenants(session: Session) -> None:
    """Show all tenants."""
    from calbridge.service import tenants as tenancy

    session.out.rows(map(to_json, tenancy.list_tenants(session.parts)), _TENANT, none="There is no tenant yet.")


@verb(SECRETS, "rotate", "secrets rotate", tenant=False)
def rotate(session: Session) -> int:
    """Seal every stored secret with the first of SECRET_KEYS; afterwards the former key can be taken away."""
    from calbridge.service import secrets as sealing

    return _show_sealed(session, to_json(sealing.rotate(session.parts)))


@verb(SECRETS, "verify", "secrets verify", tenant=False)
def verify(session: Session) -> int:
    """Look whether every stored secret can be opened with the keys there are."""
    from calbridge.service import secrets as sealing

    return _show_sealed(session, to_json(sealing.verify(session.parts)))


def _show_sealed(session: Session, report: Mapping[str, Any]) -> int:
    names = {"total": "Secrets", "current": "sealed with the first key", "changed": "sealed anew"}
    told = ", ".join(f"{name}: {report[place]}" for place, name in names.items())
    session.out.done(f"{told}, can't be opened: {report['unreadable']}.", report)
    return 3 if report["unreadable"] else 0


@verb(None, "settings", "settings", tenant=False)
def settings(session: Session) -> None:
    """Show the settings in force. Secrets are hidden."""
    rows = [{"name": name, "value": value} for name, value in session.settings.shown().items()]
    session.out.rows(rows, _SETTING, none="")


@verb(None, "tick", "tick", tenant=False)
def tick(session: Session) -> None:
    """Do once what is due: polls, the daily comparison, re-projection, messages, retention. Call it from cron."""
    from calbridge.service.tick import tick as run_what_is_due

    report = to_json(run_what_is_due(session.parts))
    if session.out.as_json:
        session.out.document(report)
        return
    session.out.rows(report["ran"], _RAN, none="Nothing was due.")
    if report["delivered"] or report["mailed"]:
        session.out.say(f"Delivered to webhooks: {report['delivered']}, mails sent: {report['mailed']}.")
    purged = sum(report["purged"].values())
    if purged:
        session.out.say(f"Removed after their time of retention: {purged}.")


@verb(None, "doctor", "doctor", tenant=False)
def doctor(session: Session) -> int:
    """Examine the installation and say what to do about what is not well."""
    from calbridge.service import doctor as doctoring

    findings = [to_json(finding) for finding in doctoring.examine(session.parts)]
    rows = [{"mark": _mark(finding), **finding} for finding in findings]
    session.out.rows(rows, _FINDING, none="")
    return 0 if all(finding["ok"] for finding in findings) else 3


def _mark(finding: Mapping[str, Any]) -> str:
    return "PROBLEM" if not finding["ok"] else "note" if finding["code"] else "ok"
