"""Integrations: linked, signed in, set, switched on, ended."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api import examples
from calbridge.api.answers import Answer, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.cursors import decode
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.own import own_integration
from calbridge.api.resources.syncs import accepted
from calbridge.api.schemas import AnswerSchema, ListQuery, QuerySchema, list_of
from calbridge.api.schemas_integrations import (
    AccountBody,
    AccountSchema,
    CalendarSchema,
    IntegrationBody,
    IntegrationPatch,
    IntegrationSchema,
    RunSchema,
)
from calbridge.errors import Refused
from calbridge.service import accounts, integrations
from calbridge.service.access import Scope
from calbridge.service.requests import request_removal
from calbridge.service.views import to_json

blueprint = Blueprint("integrations", "A user's link to a calendar, with its account and settings.")
STATUSES = ["setup", "connected", "not_connected", "deleting"]


class IntegrationsQuery(ListQuery):
    """Which integrations."""

    user_id = fields.Str(load_default=None, validate=validate.Length(1, 200))
    status = fields.Str(load_default=None, validate=validate.OneOf(STATUSES))
    active = fields.Bool(load_default=None)
    service = fields.Str(load_default=None, validate=validate.Length(1, 100))


class RemoveQuery(QuerySchema):
    """What goes with an integration."""

    remove = fields.Str(
        load_default=None,
        validate=validate.Regexp("^(linked|psa)(,(linked|psa))?$"),
        metadata={
            "description": "linked: events that calbridge made there; psa: items it retrieved. By default nothing."
        },
    )


class CheckSchema(AnswerSchema):
    """The account works."""

    account = fields.Nested(AccountSchema, required=True)


@blueprint.route("/integrations")
class Integrations(MethodView):
    """All integrations."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(IntegrationSchema, "Integrations"), examples.listed(examples.INTEGRATION)),
        query=IntegrationsQuery,
        refuses=["user_not_found"],
    )
    def get(self, here: Here, query: dict[str, Any]) -> dict[str, Any]:
        """List the integrations"""
        found = integrations.list_integrations(
            here.parts,
            here.tenant,
            user_id=here.own_user(query["user_id"]),
            status=query["status"],
            active=query["active"],
            service=query["service"],
            after=decode(query["cursor"], str),
            limit=query["limit"] + 1,
        )
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])

    @operation(
        Scope.INTEGRATIONS,
        Gives(201, IntegrationSchema, examples.INTEGRATION),
        takes=Takes(IntegrationBody, examples.INTEGRATION_BODY),
        refuses=[
            "user_not_found",
            "service_unknown",
            "service_not_allowed",
            "setting_locked",
            "already_exists",
            "calendar_not_found",
            "sign_in_page_needed",
            "too_many_checks",
        ],
        versioned=True,
        upstream=True,
    )
    def post(self, here: Here, body: dict[str, Any]) -> Any:
        """Link a calendar

        An account that is given is proved at the service before anything is stored.
        """
        given = {**body, "user_id": here.user(body["user_id"])}
        made = integrations.add_integration(here.parts, here.tenant, **({"account": None} | given))
        return Answer(to_json(made), headers={"Location": f"/v1/integrations/{made.id}"})


@blueprint.route("/integrations/<id:integration_id>")
class Integration(MethodView):
    """One integration."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, IntegrationSchema, examples.INTEGRATION),
        refuses=["integration_not_found"],
        versioned=True,
    )
    def get(self, here: Here, integration_id: str) -> Any:
        """Show an integration"""
        return to_json(own_integration(here, integration_id))

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, IntegrationSchema, examples.INTEGRATION),
        takes=Takes(IntegrationPatch, examples.INTEGRATION_PATCH),
        refuses=[
            "integration_not_found",
            "confirmation_needed",
            "calendar_not_found",
            "not_connected",
            "integration_running",
            "already_exists",
            "setting_locked",
            "service_not_allowed",
        ],
        versioned=True,
        conditional=True,
        upstream=True,
    )
    def patch(self, here: Here, integration_id: str, body: dict[str, Any], if_version: int | None) -> Any:
        """Change an integration

        Switch it on or off, choose the calendar, change settings (merged as RFC 7396 says). Where new settings take
        copies out of the linked calendar, their number must be confirmed.
        """
        own_integration(here, integration_id)
        return to_json(
            integrations.change_integration(here.parts, here.tenant, integration_id, if_version=if_version, **body)
        )

    @operation(
        Scope.INTEGRATIONS,
        Gives(202, RunSchema, examples.QUEUED | {"kind": "removal"}, {204: "Ended; both calendars are as they were."}),
        query=RemoveQuery,
        refuses=["integration_not_found", "not_connected"],
    )
    def delete(self, here: Here, integration_id: str, query: dict[str, Any]) -> Answer:
        """End an integration

        By default both calendars stay as they are. With remove, and while a run is at work, a run of kind removal does
        it.
        """
        own_integration(here, integration_id)
        remove = frozenset((query["remove"] or "").split(",")) - {""}
        if not remove:
            try:
                integrations.delete_integration(here.parts, here.tenant, integration_id)
            except Refused as refused:
                if refused.code != "integration_running":
                    raise
            else:
                return Answer(None, 204)
        return accepted(request_removal(here.parts, here.tenant, integration_id, remove))


@blueprint.route("/integrations/<id:integration_id>/account")
class IntegrationAccount(MethodView):
    """The account of an integration."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, AccountSchema, examples.ACCOUNT),
        takes=Takes(AccountBody, examples.ACCOUNT_BODY),
        refuses=["integration_not_found", "sign_in_page_needed", "too_many_checks", "another_account"],
        upstream=True,
    )
    def put(self, here: Here, integration_id: str, body: dict[str, Any]) -> Any:
        """Sign in

        The password is proved at the service before it is stored, encrypted.
        """
        own_integration(here, integration_id)
        return to_json(accounts.put_account(here.parts, here.tenant, integration_id, body))


@blueprint.route("/integrations/<id:integration_id>/check")
class IntegrationCheck(MethodView):
    """Whether the account works."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, CheckSchema, {"account": examples.ACCOUNT}),
        refuses=["integration_not_found", "not_connected", "too_many_checks"],
        upstream=True,
    )
    def post(self, here: Here, integration_id: str) -> Any:
        """Prove the stored account at the service"""
        own_integration(here, integration_id)
        return {"account": to_json(accounts.check_account(here.parts, here.tenant, integration_id))}


@blueprint.route("/integrations/<id:integration_id>/calendars")
class IntegrationCalendars(MethodView):
    """What can be linked."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(CalendarSchema, "Calendars"), examples.listed(examples.CALENDAR)),
        refuses=["integration_not_found", "not_connected"],
        upstream=True,
    )
    def get(self, here: Here, integration_id: str) -> dict[str, Any]:
        """List the calendars of the account"""
        own_integration(here, integration_id)
        found = [to_json(each) for each in integrations.list_calendars(here.parts, here.tenant, integration_id)]
        return page(found, len(found), lambda row: row["id"])
