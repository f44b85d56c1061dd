"""Many users at once, from a CSV file."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, TakesText, operation
from calbridge.api.schemas import AnswerSchema
from calbridge.service.access import Scope
from calbridge.service.user_imports import MAX_BYTES, import_users
from calbridge.service.views import to_json

blueprint = Blueprint("user-imports", "Users from a CSV file.")
CSV = "user_id,email,name,time_zone,calendar_sync\nalice,alice@example.com,Alice,Europe/Vienna,yes\n"


class ImportRowSchema(AnswerSchema):
    """What became of one line."""

    line = fields.Int(required=True)
    user_id = fields.Str(required=True)
    status = fields.Str(required=True, validate=validate.OneOf(["created", "updated", "unchanged", "failed"]))
    code = fields.Str(required=True, allow_none=True)
    detail = fields.Str(required=True)


class ImportSchema(AnswerSchema):
    """What became of a file."""

    rows = fields.List(fields.Nested(ImportRowSchema), required=True)
    created = fields.Int(required=True)
    updated = fields.Int(required=True)
    unchanged = fields.Int(required=True)
    failed = fields.Int(required=True)


REPORT = {
    "rows": [{"line": 2, "user_id": "alice", "status": "created", "code": None, "detail": ""}],
    "created": 1,
    "updated": 0,
    "unchanged": 0,
    "failed": 0,
}


@blueprint.route("/user-imports")
class UserImports(MethodView):
    """Imports of users."""

    @operation(
        Scope.BACKEND,
        Gives(200, ImportSchema, REPORT),
        takes=TakesText("text/csv", CSV, MAX_BYTES),
        refuses=["invalid_csv"],
    )
    def post(self, here: Here, body: str) -> Any:
        """Make or change the users of a CSV file

        In UTF-8, at most 10 MB and 50,000 lines; the first line names the columns: user_id and any of email, name,
        time_zone, calendar_sync. A column that is absent is kept, an empty cell clears. A bad line fails alone.
        """
        return to_json(import_users(here.parts, here.tenant, body.splitlines(keepends=True)))
