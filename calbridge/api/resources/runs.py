"""What syncing did, and what a person decides about it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api import examples
from calbridge.api.answers import page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.cursors import decode
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.own import own_integration, own_run
from calbridge.api.schemas import BodySchema, ListQuery, list_of
from calbridge.api.schemas_integrations import (
    RUN_STATUSES,
    IntegrationSchema,
    KnownSchema,
    LinkSchema,
    LogSchema,
    RunSchema,
)
from calbridge.service import known, links, runs, sync
from calbridge.service.access import Scope
from calbridge.service.views import to_json

blueprint = Blueprint("runs", "Runs with their logs, links between items and events, and what a person decides.")
LINK_STATES = [
    "pending",
    "synced",
    "withheld",
    "failed",
    "frozen",
    "would_mail",
    "past",
    "withdrawn",
    "detached",
    "pending_delete",
    "closed",
]
KNOWN_STATES = ["known", "quarantined", "ambiguous", "already_here", "managed_elsewhere"]


class RunsQuery(ListQuery):
    """Which runs."""

    status = fields.Str(load_default=None, validate=validate.OneOf(RUN_STATUSES))
    kind = fields.Str(load_default=None, validate=validate.Length(1, 100))
    trigger = fields.Str(load_default=None, validate=validate.Length(1, 100))


class LogsQuery(ListQuery):
    """Which lines."""

    run_id = fields.Str(load_default=None, validate=validate.Length(1, 200))
    item_id = fields.Str(load_default=None, validate=validate.Length(1, 200))
    action = fields.Str(load_default=None, validate=validate.Length(1, 100))


class LinksQuery(ListQuery):
    """Which links."""

    state = fields.Str(load_default=None, validate=validate.OneOf(LINK_STATES))


class KnownQuery(ListQuery):
    """Which events."""

    state = fields.Str(load_default=None, validate=validate.OneOf(KNOWN_STATES))


class LinkAction(BodySchema):
    """What is decided about a pair."""

    action = fields.Str(required=True, validate=validate.OneOf(list(links.ACTIONS)))


class KnownAction(BodySchema):
    """What is decided about an unlinked event."""

    action = fields.Str(required=True, validate=validate.OneOf(sorted(known.ACTIONS)))
    item_id = fields.Str(validate=validate.Length(1, 200), metadata={"description": "For link: the item."})


@blueprint.route("/integrations/<id:integration_id>/runs")
class Runs(MethodView):
    """Runs of an integration."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(RunSchema, "Runs"), examples.listed(examples.RUN)),
        query=RunsQuery,
        refuses=["integration_not_found"],
    )
    def get(self, here: Here, integration_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List the runs, the newest first"""
        own_integration(here, integration_id)
        found = runs.list_runs(
            here.parts,
            here.tenant,
            integration_id,
            status=query["status"],
            kind=query["kind"],
            trigger=query["trigger"],
            before=decode(query["cursor"], str),
            limit=query["limit"] + 1,
        )
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])


@blueprint.route("/integrations/<id:integration_id>/runs/<id:run_id>")
class Run(MethodView):
    """One run."""

    @operation(
        Scope.INTEGRATIONS, Gives(200, RunSchema, examples.RUN), refuses=["integration_not_found", "run_not_found"]
    )
    def get(self, here: Here, integration_id: str, run_id: str) -> Any:
        """Show a run, that of a preview with its plan"""
        return to_json(own_run(here, integration_id, run_id))


@blueprint.route("/integrations/<id:integration_id>/runs/<id:run_id>/confirm")
class RunConfirmation(MethodView):
    """The word that a run waits for."""

    @operation(
        Scope.CONFIRM,
        Gives(200, IntegrationSchema, examples.INTEGRATION),
        refuses=["integration_not_found", "run_not_found"],
    )
    def post(self, here: Here, integration_id: str, run_id: str) -> Any:
        """Let wait no longer what the guard holds back

        Good for 24 hours and both directions.
        """
        own_run(here, integration_id, run_id)
        return to_json(sync.confirm(here.parts, here.tenant, run_id))


@blueprint.route("/integrations/<id:integration_id>/logs")
class Logs(MethodView):
    """Lines of the log."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(LogSchema, "Logs"), examples.listed(examples.LOG)),
        query=LogsQuery,
        refuses=["integration_not_found"],
    )
    def get(self, here: Here, integration_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List what was done, with field differences, the newest first"""
        own_integration(here, integration_id)
        found = runs.list_logs(
            here.parts,
            here.tenant,
            integration_id,
            item_id=query["item_id"],
            run_id=query["run_id"],
            action=query["action"],
            before=decode(query["cursor"], int),
            limit=query["limit"] + 1,
        )
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])


@blueprint.route("/integrations/<id:integration_id>/links")
class Links(MethodView):
    """Pairs of items and events."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(LinkSchema, "Links"), examples.listed(examples.LINK)),
        query=LinksQuery,
        refuses=["integration_not_found"],
    )
    def get(self, here: Here, integration_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List the pairs of items and events"""
        own_integration(here, integration_id)
        found = links.list_links(
            here.parts,
            here.tenant,
            integration_id,
            state=query["state"],
            after=decode(query["cursor"], str),
            limit=query["limit"] + 1,
        )
        return page([to_json(each) for each in found], query["limit"], lambda row: row["item_id"])


@blueprint.route("/integrations/<id:integration_id>/links/<id:item_id>")
class Link(MethodView):
    """One pair."""

    @operation(
        Scope.CONFIRM,
        Gives(200, LinkSchema, examples.LINK),
        takes=Takes(LinkAction, {"action": "reopen"}),
        refuses=["integration_not_found", "item_not_found", "integration_running", "link_not_in_that_state"],
    )
    def post(self, here: Here, integration_id: str, item_id: str, body: dict[str, Any]) -> Any:
        """Decide about a pair

        reopen a closed one, apply_withheld changes, consent to mail, thaw a frozen one, retry a failed one.
        """
        own_integration(here, integration_id)
        return to_json(links.act_on_link(here.parts, here.tenant, integration_id, item_id, body["action"]))


@blueprint.route("/integrations/<id:integration_id>/known")
class KnownEvents(MethodView):
    """Events without a link."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(KnownSchema, "KnownEvents"), examples.listed(examples.KNOWN)),
        query=KnownQuery,
        refuses=["integration_not_found"],
    )
    def get(self, here: Here, integration_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List events of the linked calendar that have no item"""
        own_integration(here, integration_id)
        found = known.list_known(
            here.parts,
            here.tenant,
            integration_id,
            state=query["state"],
            after=decode(query["cursor"], str),
            limit=query["limit"] + 1,
        )
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])


@blueprint.route("/integrations/<id:integration_id>/known/<id:known_id>")
class KnownEvent(MethodView):
    """One event without a link."""

    @operation(
        Scope.CONFIRM,
        Gives(200, KnownSchema, examples.KNOWN),
        takes=Takes(KnownAction, {"action": "retrieve"}),
        refuses=[
            "integration_not_found",
            "item_not_found",
            "event_not_found",
            "integration_inactive",
            "not_connected",
            "integration_running",
            "link_not_in_that_state",
        ],
        upstream=True,
    )
    def post(self, here: Here, integration_id: str, known_id: str, body: dict[str, Any]) -> Any:
        """Decide about an event: link it with an item, retrieve it, or ignore it"""
        own_integration(here, integration_id)
        return to_json(
            known.act_on_known(
                here.parts, here.tenant, integration_id, known_id, body["action"], item_id=body.get("item_id")
            )
        )
