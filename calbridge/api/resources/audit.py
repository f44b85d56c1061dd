"""What happened to keys, settings, accounts and confirmations."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from calbridge.api.answers import page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.cursors import decode
from calbridge.api.examples import listed
from calbridge.api.here import Here
from calbridge.api.operation import Gives, operation
from calbridge.api.schemas import AnswerSchema, ListQuery, list_of, moment
from calbridge.service.access import Scope
from calbridge.service.audit import list_audit
from calbridge.service.views import to_json

blueprint = Blueprint("audit", "Who changed keys, settings and accounts, and gave confirmations.")


class AuditSchema(AnswerSchema):
    """One line of the audit."""

    id = fields.Int(required=True)
    at = moment(required=True)
    actor = fields.Str(required=True, metadata={"description": "The door, and the key or user behind it."})
    action = fields.Str(required=True)
    facts = fields.Dict(required=True, metadata={"description": "Small values; no secrets and no text of items."})


LINE = {
    "id": 12,
    "at": "2027-01-04T08:00:00Z",
    "actor": "api key 5b1c0f9de2a4",
    "action": "integration_activated",
    "facts": {"integration": "8fQ2mT5wYb1k"},
}


@blueprint.route("/audit")
class Audit(MethodView):
    """The audit of the tenant."""

    @operation(Scope.ADMIN, Gives(200, list_of(AuditSchema, "AuditLines"), listed(LINE)), query=ListQuery)
    def get(self, here: Here, query: dict[str, Any]) -> dict[str, Any]:
        """List what was done, the oldest first"""
        after, limit = decode(query["cursor"], int), query["limit"]
        found = list_audit(here.parts, here.tenant, after=after, limit=limit + 1)
        return page([to_json(each) for each in found], limit, lambda row: row["id"])
