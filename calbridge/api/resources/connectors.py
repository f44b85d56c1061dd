"""Services that can be picked, and plugins that can't be used."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from calbridge.api.answers import page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, operation
from calbridge.api.schemas import AnswerSchema, list_of
from calbridge.service.access import Scope
from calbridge.service.connectors import list_connectors
from calbridge.service.views import to_json

blueprint = Blueprint("connectors", "Calendar services that can be linked.")


class ServiceSchema(AnswerSchema):
    """A service that can be picked, or a plugin that can't be used and why."""

    service = fields.Str(required=True)
    title = fields.Str(required=True)
    connector = fields.Str(required=True)
    authentication = fields.Str(required=True, metadata={"description": "password or oauth."})
    needs_url = fields.Bool(required=True)
    help = fields.Str(required=True)
    account_schema = fields.Dict(required=True, metadata={"description": "JSON schema of the account's fields."})
    capabilities = fields.Dict(
        keys=fields.Str(), values=fields.Str(), required=True, metadata={"description": "full, partial or none."}
    )
    notes = fields.Dict(keys=fields.Str(), values=fields.Str(), required=True)
    horizon = fields.Int(
        required=True, allow_none=True, metadata={"description": "Days ahead that it can be followed."}
    )
    problem = fields.Str(required=True, allow_none=True)


SERVICE = {
    "service": "icloud",
    "title": "iCloud",
    "connector": "caldav",
    "authentication": "password",
    "needs_url": False,
    "help": "Use an app-specific password from the settings of the Apple Account.",
    "account_schema": {"type": "object", "required": ["username", "password"]},
    "capabilities": {"conditional_write": "full", "recurrence": "full"},
    "notes": {},
    "horizon": None,
    "problem": None,
}


@blueprint.route("/connectors")
class Connectors(MethodView):
    """All services."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, list_of(ServiceSchema, "Services"), {"data": [SERVICE], "next_cursor": None}),
    )
    def get(self, here: Here) -> dict[str, Any]:
        """List the services

        With title, authentication kind, account fields, capabilities and problems.
        """
        services = [to_json(each) for each in list_connectors(here.parts)]
        return page(services, len(services), lambda row: row["service"])
