"""Verbs that carry changes over: sync, preview and apply, confirm; and the log of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from calbridge.catalogue import describe
from calbridge.cli.door import EXIT_CODES, INTERRUPTED, tell_state
from calbridge.cli.integrations import INTEGRATIONS, integration_argument
from calbridge.cli.output import Column, changes_text, moment, span_point
from calbridge.cli.session import Session
from calbridge.cli.stopping import stoppable
from calbridge.cli.verbs import verb
from calbridge.cli.words import DAYS
from calbridge.errors import Refused
from calbridge.service import previews, runs, sync
from calbridge.service.integrations import get_integration
from calbridge.service.views import to_json

_COUNTED = MappingProxyType(
    {
        **{f"items_{done}": f"{done} in My Calendar" for done in ("created", "changed", "deleted")},
        **{f"events_{done}": f"{done} in the linked calendar" for done in ("created", "changed", "deleted")},
        "adopted": "found on both sides",
        "waiting_deletions": "deletions that wait for confirmation",
        "failed": "failed",
        "unreadable": "unreadable",
    }
)
"""Counters that a person wants to know, in this order; `--json` has all."""
_WAITS = "confirmation_needed"
_LOOKED = ("succeeded", "waiting", "partial")
"""How a run ends that came as far as to look; one that ended for another reason says nothing of what waits."""
_LOOKED_AT = 200
Range = tuple[int | None, int | None] | None

_RUN = (
    Column("Run", "id"),
    Column("Kind", "kind"),
    Column("Status", "status"),
    Column("Reason", "reason"),
    Column("Started", "started_at", moment),
    Column("Finished", "finished_at", moment),
)
LOG = (
    Column("When", "at", moment),
    Column("Direction", "direction"),
    Column("Action", "action"),
    Column("Title", "title"),
    Column("Code", "code"),
    Column("Changes", "changes", changes_text),
)
_STEP = (
    Column("Direction", "direction"),
    Column("Action", "action"),
    Column("Start", "start", span_point),
    Column("Title", "title"),
    Column("Reason", "reason"),
    Column("Changes", "changes", changes_text),
)


def _range_options(command: Any) -> Any:
    for side, verb_word in (("send", "send My Calendar"), ("retrieve", "retrieve the linked calendar")):
        for end, told in (("future", "days ahead"), ("past", "days back")):
            name = f"--{side}-{end}"
            command = click.option(name, type=DAYS, metavar="DAYS", help=f"Also {verb_word}: {told}.")(command)
    return command


def _ranges(
    retrieve_past: int | None, retrieve_future: int | None, send_past: int | None, send_future: int | None
) -> tuple[Range, Range]:
    """A side is in play as soon as one of its ends is said; the end that is not said is today."""

    def window(past: int | None, future: int | None) -> Range:
        return None if past is None and future is None else (past or 0, future or 0)

    return window(retrieve_past, retrieve_future), window(send_past, send_future)


@verb(
    INTEGRATIONS,
    "sync",
    "integrations sync int-1",
    "integrations sync int-1 --retrieve-past 30 --retrieve-future 365",
)
@integration_argument
@_range_options
def sync_now(session: Session, integration_id: str, **days: int | None) -> int:
    """Carry over what changed on either side. With a range, also copy what lies between these days.

    Ctrl-C stops it at the next page, and once more at once; the next sync goes on.
    """
    retrieve, send = _ranges(**days)
    parts, tenant = session.parts, session.tenant
    with stoppable() as stopped:
        run = to_json(sync.sync_integration(parts, tenant, integration_id, retrieve=retrieve, send=send, stop=stopped))
        return _ended(session, run, stopped=stopped())


@verb(INTEGRATIONS, "preview", "integrations preview int-1 --retrieve-past 0 --retrieve-future 90")
@integration_argument
@_range_options
def preview(session: Session, integration_id: str, **days: int | None) -> int:
    """Show what a sync would do, and write nothing anywhere. Apply it with integrations apply RUN."""
    retrieve, send = _ranges(**days)
    run = to_json(previews.preview(session.parts, session.tenant, integration_id, retrieve=retrieve, send=send))
    if session.out.as_json:
        session.out.document(run)
    else:
        session.out.rows(run["plan"] or [], _STEP, none="Nothing would change.")
        if run["plan"]:
            session.out.hint(f"To do it: calbridge integrations apply {run['id']}")
    return _told(session, run)


@verb(INTEGRATIONS, "apply", "integrations apply run-1")
@click.argument("run_id", metavar="RUN")
def apply(session: Session, run_id: str) -> int:
    """Do what a preview showed. Refused if something changed since then."""
    parts, tenant = session.parts, session.tenant
    with stoppable() as stopped:
        run = to_json(previews.apply(parts, tenant, run_id, stop=stopped))
        return _ended(session, run, stopped=stopped())


@verb(INTEGRATIONS, "confirm", "integrations confirm int-1")
@click.argument("place", metavar="INTEGRATION|RUN")
def confirm(session: Session, place: str) -> None:
    """Let unusually many deletions that wait go on, for 24 hours. The next sync carries them out."""
    integration_id = _integration_of(session, place)
    if not _waits(session, integration_id):
        known = to_json(get_integration(session.parts, session.tenant, integration_id))
        session.out.done("Nothing waits to be confirmed, so nothing is.", known)
        return
    integration = to_json(sync.confirm(session.parts, session.tenant, place))
    session.out.done(f"Confirmed. Next: calbridge integrations sync {integration['id']}", integration)


@verb(INTEGRATIONS, "runs", "integrations runs int-1")
@integration_argument
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="At most so many.")
def list_runs(session: Session, integration_id: str, limit: int) -> None:
    """Show the latest runs."""
    found = runs.list_runs(session.parts, session.tenant, integration_id, limit=limit)
    session.out.rows(map(to_json, found), _RUN, none="There was no run yet.")


@verb(INTEGRATIONS, "logs", "integrations logs int-1", "integrations logs int-1 --item itm-1")
@integration_argument
@click.option("--item", "item_id", metavar="ITEM", help="Only what happened to this item.")
@click.option("--run", "run_id", metavar="RUN", help="Only what happened in this run.")
@click.option("--action", help="Only this action.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
def logs(session: Session, integration_id: str, **filters: Any) -> None:
    """Show what was carried over, latest first, with the fields that differed."""
    found = runs.list_logs(session.parts, session.tenant, integration_id, **filters)
    named = any(filters[name] is not None for name in ("item_id", "run_id", "action"))
    none = "No line of the log fits the filter." if named else "Nothing was carried over yet."
    session.out.rows(map(to_json, found), LOG, none=none)


def _integration_of(session: Session, place: str) -> str:
    """The integration of a run, or the integration itself."""
    try:
        return runs.get_run(session.parts, session.tenant, place).integration_id
    except Refused:
        return place


def _waits(session: Session, integration_id: str) -> bool:
    """Whether the latest run that looked at all, or the latest preview, found something that waits for a word."""
    latest = runs.list_runs(session.parts, session.tenant, integration_id, limit=_LOOKED_AT)
    looked = (run.reason for run in latest if run.status in _LOOKED and run.reason in (None, _WAITS))
    return next(looked, None) == _WAITS


def _ended(session: Session, run: Mapping[str, Any], *, stopped: bool) -> int:
    counted = _counted(run["counters"]) or ("Nothing had to be carried over" if run["status"] == "succeeded" else "")
    session.out.done(f"Run {run['id']} {run['status']}.{f' {counted}.' if counted else ''}", run)
    if stopped and run["status"] == "partial":
        session.out.hint(f"Stopped. To go on: calbridge integrations sync {run['integration_id']}")
        return INTERRUPTED
    return _told(session, run)


def _counted(counters: Mapping[str, int]) -> str:
    return ", ".join(f"{words}: {counters[name]}" for name, words in _COUNTED.items() if counters.get(name))


def _told(session: Session, run: Mapping[str, Any]) -> int:
    """A run that failed or waits says so like an error; one that was partial hints where to look."""
    if run["status"] in ("failed", "waiting") and run["reason"]:
        return tell_state(run["reason"], as_json=session.out.as_json)
    if run["status"] == "partial":
        session.out.hint("Some entries could not be carried over: calbridge integrations logs says which, and why.")
        return EXIT_CODES[describe(run["reason"]).who] if run["reason"] else 0
    return 0
