"""Short-lived tokens for a user's browser."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.blueprint import MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.resources.users import blueprint
from calbridge.api.schemas import AnswerSchema, BodySchema, moment
from calbridge.service.access import GRANTABLE, Scope
from calbridge.service.tokens import LONGEST_SECONDS, issue_token
from calbridge.service.views import to_json


class TokenBody(BodySchema):
    """What the token may do beside looking, and for how long."""

    scopes = fields.List(
        fields.Str(validate=validate.OneOf(sorted(GRANTABLE))),
        metadata={"description": "items:write changes items; confirm gives the word that a guard waits for."},
    )
    seconds = fields.Int(strict=True, validate=validate.Range(1, LONGEST_SECONDS))


class TokenSchema(AnswerSchema):
    """A token."""

    token = fields.Str(required=True, metadata={"description": "Sent as: Authorization: Bearer <token>."})
    expires_at = moment(required=True)
    scopes = fields.List(fields.Str(), required=True)


TOKEN = {
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
    "expires_at": "2027-01-04T08:15:00Z",
    "scopes": ["integrations", "items:read"],
}


@blueprint.route("/users/<id:user_id>/tokens")
class UserTokens(MethodView):
    """Tokens of a user."""

    @operation(
        Scope.BACKEND,
        Gives(201, TokenSchema, TOKEN),
        takes=Takes(TokenBody, {"scopes": ["items:write"], "seconds": 900}),
        refuses=["user_not_found", "calendar_sync_off"],
    )
    def post(self, here: Here, user_id: str, body: dict[str, Any]) -> Any:
        """Make a token for a user's page

        It reaches what belongs to this user alone, for at most 15 minutes.
        """
        return to_json(issue_token(here.parts, here.tenant, user_id, **body))
