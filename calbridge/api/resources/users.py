"""Users of the tenant, under the PSA's own ids."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.answers import Answer, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.cursors import decode
from calbridge.api.examples import INTEGRATION, LOG, RUN
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.resources.tenants import ReceiptSchema
from calbridge.api.schemas import AnswerSchema, BodySchema, ListQuery, identifier, list_of, moment
from calbridge.api.schemas_integrations import IntegrationSchema, LogSchema, RunSchema
from calbridge.service import exports, users
from calbridge.service.access import Scope
from calbridge.service.views import to_json

blueprint = Blueprint("users", "Users of the PSA whose calendars are kept the same.")


class UserSchema(AnswerSchema):
    """A user."""

    id = identifier()
    email = fields.Str(required=True, allow_none=True)
    name = fields.Str(required=True)
    time_zone = fields.Str(required=True)
    calendar_sync = fields.Bool(required=True)
    created_at = moment(required=True)
    updated_at = moment(required=True)
    version = fields.Int(required=True)


class UserBody(BodySchema):
    """What can be said of a user. What is absent is kept; null clears."""

    email = fields.Str(allow_none=True, validate=validate.Length(max=320), metadata={"example": "alice@example.com"})
    name = fields.Str(allow_none=True, validate=validate.Length(max=200), metadata={"pattern": r"^[^\r\n\x00]*$"})
    time_zone = fields.Str(allow_none=True, metadata={"description": "An IANA zone.", "example": "Europe/Vienna"})
    calendar_sync = fields.Bool(allow_none=True, truthy={True}, falsy={False})


def _rows(description: str) -> fields.Field[Any]:
    return fields.List(fields.Dict(), required=True, metadata={"description": description})


class ExportSchema(AnswerSchema):
    """All that is kept about a user."""

    user = fields.Nested(UserSchema, required=True)
    integrations = fields.List(fields.Nested(IntegrationSchema), required=True)
    accounts = _rows("Accounts without their secrets, with what a connector keeps for one: a sandbox's calendar.")
    items = _rows("Items, deleted ones too, with their links.")
    known = _rows("Events of linked calendars that have no item.")
    changes = _rows("The change feed of this user.")
    runs = fields.List(fields.Nested(RunSchema), required=True)
    logs = fields.List(fields.Nested(LogSchema), required=True)


USER = {
    "id": "alice",
    "email": "alice@example.com",
    "name": "Alice",
    "time_zone": "Europe/Vienna",
    "calendar_sync": True,
    "created_at": "2027-01-04T08:00:00Z",
    "updated_at": "2027-01-04T08:00:00Z",
    "version": 1,
}
RECEIPT = {
    "kind": "user",
    "tenant": "acme",
    "user_id": "alice",
    "at": "2027-01-04T08:00:00Z",
    "counts": {"items": 120, "links": 80},
}
EXPORT: dict[str, Any] = {
    "user": USER,
    "accounts": [],
    "integrations": [INTEGRATION],
    "items": [],
    "known": [],
    "changes": [],
    "runs": [RUN],
    "logs": [LOG],
}
BODY = {"email": "alice@example.com", "name": "Alice", "time_zone": "Europe/Vienna"}


@blueprint.route("/users")
class Users(MethodView):
    """All users."""

    @operation(
        Scope.BACKEND, Gives(200, list_of(UserSchema, "Users"), {"data": [USER], "next_cursor": None}), query=ListQuery
    )
    def get(self, here: Here, query: dict[str, Any]) -> dict[str, Any]:
        """List the users in the order of their ids"""
        found = users.list_users(here.parts, here.tenant, after=decode(query["cursor"], str), limit=query["limit"] + 1)
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])


@blueprint.route("/users/<id:user_id>")
class User(MethodView):
    """One user."""

    @operation(Scope.INTEGRATIONS, Gives(200, UserSchema, USER), refuses=["user_not_found"], versioned=True)
    def get(self, here: Here, user_id: str) -> Any:
        """Show a user"""
        return to_json(users.get_user(here.parts, here.tenant, here.user(user_id)))

    @operation(
        Scope.BACKEND,
        Gives(200, UserSchema, USER, {201: "Made."}),
        takes=Takes(UserBody, BODY),
        refuses=["unknown_time_zone"],
        versioned=True,
        conditional=True,
    )
    def put(self, here: Here, user_id: str, body: dict[str, Any], if_version: int | None, create_only: bool) -> Answer:
        """Make or change a user"""
        known = users.user_exists(here.parts, here.tenant, user_id)
        stored = users.put_user(
            here.parts, here.tenant, user_id, if_version=if_version, create_only=create_only, **body
        )
        return Answer(to_json(stored), 200 if known else 201)

    @operation(Scope.BACKEND, Gives(200, ReceiptSchema, RECEIPT), refuses=["user_not_found", "integration_running"])
    def delete(self, here: Here, user_id: str) -> Any:
        """Erase a user with all that is kept about them

        Events that syncing made in their calendar stay there.
        """
        return to_json(users.delete_user(here.parts, here.tenant, user_id))


@blueprint.route("/users/<id:user_id>/export")
class UserExport(MethodView):
    """What is kept about a user."""

    @operation(Scope.ADMIN, Gives(200, ExportSchema, EXPORT), refuses=["user_not_found"])
    def get(self, here: Here, user_id: str) -> Any:
        """Export all that is kept about a user

        No secrets. That it was done stands in the audit.
        """
        return exports.export_user(here.parts, here.tenant, user_id)
