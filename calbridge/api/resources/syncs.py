"""Asking for runs: catch up, copy ranges, preview, apply, and the end of an integration."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from calbridge.api import examples
from calbridge.api.answers import Answer
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.own import own_integration, own_run
from calbridge.api.schemas import BodySchema
from calbridge.api.schemas_integrations import RangeSchema, RunSchema
from calbridge.service import requests
from calbridge.service.access import Scope
from calbridge.service.sync import Range
from calbridge.service.views import RunView, to_json

blueprint = Blueprint("syncs", "Runs that somebody asks for; jobs carry them out.")
IDLE = [
    "integration_not_found",
    "integration_inactive",
    "sync_disabled",
    "calendar_sync_off",
    "service_not_allowed",
    "not_connected",
    "throttled",
]


class SyncBody(BodySchema):
    """Ranges to copy, each of local days before and after today. Without any, both sides are caught up with."""

    retrieve = fields.Nested(RangeSchema, allow_none=True, metadata={"description": "Linked calendar to My Calendar."})
    send = fields.Nested(RangeSchema, allow_none=True, metadata={"description": "My Calendar to linked calendar."})


BODY = {"retrieve": {"past_days": 30, "future_days": 365}}


def range_of(body: dict[str, Any], side: str) -> Range | None:
    """A range as the use cases take it."""
    given = body.get(side)
    return None if given is None else (given.get("past_days"), given.get("future_days"))


def accepted(run: RunView) -> Answer:
    """A run that goes on by itself, and where to look at it."""
    return Answer(to_json(run), headers={"Location": f"/v1/integrations/{run.integration_id}/runs/{run.id}"})


@blueprint.route("/integrations/<id:integration_id>/sync")
class IntegrationSync(MethodView):
    """Runs on demand."""

    @operation(Scope.INTEGRATIONS, Gives(202, RunSchema, examples.QUEUED), takes=Takes(SyncBody, BODY), refuses=IDLE)
    def post(self, here: Here, integration_id: str, body: dict[str, Any]) -> Answer:
        """Sync now

        Catch up with both sides, or copy the ranges that are given; what was copied is followed from then on.
        """
        own_integration(here, integration_id)
        retrieve, send = range_of(body, "retrieve"), range_of(body, "send")
        return accepted(requests.request_sync(here.parts, here.tenant, integration_id, retrieve=retrieve, send=send))


@blueprint.route("/integrations/<id:integration_id>/preview")
class IntegrationPreview(MethodView):
    """Looking first."""

    @operation(Scope.INTEGRATIONS, Gives(202, RunSchema, examples.QUEUED), takes=Takes(SyncBody, BODY), refuses=IDLE)
    def post(self, here: Here, integration_id: str, body: dict[str, Any]) -> Answer:
        """Work out what a sync would do

        The run's plan lists every step with its reason and field differences; nothing is written anywhere.
        """
        own_integration(here, integration_id)
        retrieve, send = range_of(body, "retrieve"), range_of(body, "send")
        return accepted(requests.request_preview(here.parts, here.tenant, integration_id, retrieve=retrieve, send=send))


@blueprint.route("/integrations/<id:integration_id>/runs/<id:run_id>/apply")
class RunApplication(MethodView):
    """Carrying a plan out."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(202, RunSchema, examples.QUEUED),
        refuses=[*IDLE, "run_not_found", "plan_stale"],
    )
    def post(self, here: Here, integration_id: str, run_id: str) -> Answer:
        """Carry out the plan of a preview

        A plan that is no longer true is refused: at once, or by the run with plan_stale.
        """
        own_run(here, integration_id, run_id)
        return accepted(requests.request_apply(here.parts, here.tenant, run_id))
