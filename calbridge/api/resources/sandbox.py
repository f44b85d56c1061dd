"""The other side of the service ``sandbox``: what a phone does there, and what goes wrong. For PSA developers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api import examples
from calbridge.api.answers import JSON, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.bodies import MERGE_PATCH
from calbridge.api.cursors import decode
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.schemas import AnswerSchema, BodySchema, ListQuery, QuerySchema, list_of
from calbridge.api.schemas_item_bodies import CHECKS, EventPatch, NewEvent
from calbridge.api.schemas_items import EVENT, GIVEN, SandboxEventSchema, choice
from calbridge.service import sandbox
from calbridge.service.access import Scope
from calbridge.service.item_out import RESPONSES, UNANSWERED

blueprint = Blueprint("sandbox", "A fake calendar service to try things out with; there only with SANDBOX=1.")
_MISSING = ["sandbox_off", "integration_not_found", "calendar_not_found", "not_connected"]
_EVENT_MISSING = [*_MISSING, "event_not_found"]
_BODY = {name: GIVEN[name] for name in ("title", "location", "start", "end")}
_CALENDAR = {"description": "Another calendar than the linked one."}


class EventQuery(QuerySchema):
    """Where the event is."""

    calendar_id = fields.Str(load_default=None, validate=validate.Length(1, 200), metadata=_CALENDAR)


class EventsQuery(ListQuery):
    """Which events."""

    calendar_id = fields.Str(load_default=None, validate=validate.Length(1, 200), metadata=_CALENDAR)


class AnswerBody(BodySchema):
    """A guest's answer."""

    attendee = fields.Str(required=True, metadata={"format": "email"})
    response = choice(set(RESPONSES) - {UNANSWERED}, load_default="declined")


class FaultBody(BodySchema):
    """What goes wrong from now on."""

    fault = choice(sandbox.FAULTS, required=True)
    confirmed = fields.Bool(
        truthy={True}, falsy={False}, metadata={"description": "Of revoke: whether the refusal is certain."}
    )
    requests = fields.Int(
        strict=True,
        validate=validate.Range(0, sandbox.MOST_TIMES),
        metadata={"description": "Of throttle: how many are turned away."},
    )
    retry_after = fields.Int(
        strict=True, validate=validate.Range(0, sandbox.MOST_SECONDS), metadata={"description": "Of throttle: seconds."}
    )
    writes = fields.Int(
        strict=True,
        validate=validate.Range(0, sandbox.MOST_TIMES),
        metadata={"description": "Of lose_reply: of how many the answer is lost."},
    )
    calendar_id = fields.Str(
        allow_none=True, validate=validate.Length(max=200), metadata={"description": "Of calendar_gone."}
    )


class FaultsSchema(AnswerSchema):
    """What goes wrong."""

    revoked = fields.Bool(required=True)
    confirmed = fields.Bool(required=True)
    throttled = fields.Int(required=True)
    retry_after = fields.Int(required=True, allow_none=True)
    lost_replies = fields.Int(required=True)
    gone_calendars = fields.List(fields.Str(), required=True)


FAULTS = {
    "revoked": False,
    "confirmed": False,
    "throttled": 3,
    "retry_after": 30,
    "lost_replies": 0,
    "gone_calendars": [],
}


@blueprint.route("/sandbox/<id:integration_id>/events")
class SandboxEvents(MethodView):
    """What is in the fake calendar."""

    @operation(
        Scope.BACKEND,
        Gives(200, list_of(SandboxEventSchema, "SandboxEvents"), examples.listed(EVENT)),
        query=EventsQuery,
        refuses=_MISSING,
    )
    def get(self, here: Here, integration_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List the events in a sandbox"""
        found = sandbox.list_events(
            here.parts,
            here.tenant,
            integration_id,
            calendar_id=query["calendar_id"],
            limit=query["limit"] + 1,
            after=decode(query["cursor"], str),
        )
        return page(found, query["limit"], lambda row: row["id"])

    @operation(
        Scope.BACKEND,
        Gives(201, SandboxEventSchema, EVENT),
        query=EventQuery,
        takes=Takes(NewEvent, _BODY),
        refuses=[*_MISSING, *CHECKS],
        upstream=True,
    )
    def post(self, here: Here, integration_id: str, query: dict[str, Any], body: Any) -> Any:
        """Make an event in a sandbox

        As a person does there; with an `organizer` and the account among the `attendees` it is an invitation.
        """
        return sandbox.create_event(here.parts, here.tenant, integration_id, body, **query)


@blueprint.route("/sandbox/<id:integration_id>/events/<id:event_id>")
class SandboxEvent(MethodView):
    """One event."""

    @operation(Scope.BACKEND, Gives(200, SandboxEventSchema, EVENT), query=EventQuery, refuses=_EVENT_MISSING)
    def get(self, here: Here, integration_id: str, event_id: str, query: dict[str, Any]) -> Any:
        """Show an event in a sandbox"""
        return sandbox.get_event(here.parts, here.tenant, integration_id, event_id, **query)

    @operation(
        Scope.BACKEND,
        Gives(200, SandboxEventSchema, EVENT),
        query=EventQuery,
        takes=Takes(EventPatch, {"location": "Second floor"}, (JSON, MERGE_PATCH)),
        refuses=[*_EVENT_MISSING, "version_conflict", *CHECKS],
        upstream=True,
    )
    def patch(self, here: Here, integration_id: str, event_id: str, query: dict[str, Any], body: Any) -> Any:
        """Change an event in a sandbox (RFC 7396)"""
        return sandbox.change_event(here.parts, here.tenant, integration_id, event_id, body, **query)

    @operation(Scope.BACKEND, Gives(204), query=EventQuery, refuses=_EVENT_MISSING, upstream=True)
    def delete(self, here: Here, integration_id: str, event_id: str, query: dict[str, Any]) -> None:
        """Delete an event in a sandbox"""
        sandbox.delete_event(here.parts, here.tenant, integration_id, event_id, **query)


@blueprint.route("/sandbox/<id:integration_id>/events/<id:event_id>/answers")
class SandboxAnswers(MethodView):
    """What guests answer."""

    @operation(
        Scope.BACKEND,
        Gives(200, SandboxEventSchema, EVENT),
        query=EventQuery,
        takes=Takes(AnswerBody, {"attendee": "eve@example.com", "response": "declined"}),
        refuses=[*_EVENT_MISSING, "not_invited"],
        upstream=True,
    )
    def post(self, here: Here, integration_id: str, event_id: str, query: dict[str, Any], body: dict[str, Any]) -> Any:
        """Let a guest answer an invitation in a sandbox"""
        return sandbox.answer_event(here.parts, here.tenant, integration_id, event_id, **body, **query)


@blueprint.route("/sandbox/<id:integration_id>/faults")
class SandboxFaults(MethodView):
    """What goes wrong."""

    @operation(Scope.BACKEND, Gives(200, FaultsSchema, FAULTS), refuses=_MISSING)
    def get(self, here: Here, integration_id: str) -> Any:
        """Show what goes wrong in a sandbox"""
        return sandbox.list_faults(here.parts, here.tenant, integration_id)

    @operation(
        Scope.BACKEND,
        Gives(200, FaultsSchema, FAULTS),
        takes=Takes(FaultBody, {"fault": "throttle", "requests": 3, "retry_after": 30}),
        refuses=_MISSING,
        upstream=True,
    )
    def post(self, here: Here, integration_id: str, body: dict[str, Any]) -> Any:
        """Let something go wrong in a sandbox

        With `restore` all is well again.
        """
        return sandbox.set_fault(here.parts, here.tenant, integration_id, body)
