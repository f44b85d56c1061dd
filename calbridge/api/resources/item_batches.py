"""Many writes of items in one call."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.schemas import ID_PATTERN, AnswerSchema, BodySchema
from calbridge.api.schemas_items import GIVEN, choice
from calbridge.service.access import Scope
from calbridge.service.item_batches import LAST_VERSION, MOST, OPS, write_items
from calbridge.service.views import to_json

blueprint = Blueprint("item-batches", "Many items at once, of any users.")
LARGEST = 10 * 2**20
"""Bytes."""
STATUSES = ("created", "updated", "unchanged", "deleted", "failed")
_NAME = {"type": "string", "pattern": ID_PATTERN}
_WRITE = {
    "title": "Write",
    "type": "object",
    "required": ["user_id", "op", "external_id"],
    "properties": {
        "user_id": _NAME,
        "op": {"enum": list(OPS), "description": "put and patch need an item; delete has none."},
        "external_id": _NAME,
        "if_version": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": LAST_VERSION,
            "description": "Only if the item has this version.",
        },
        "item": {"anyOf": [{"$ref": "#/components/schemas/ItemBody"}, {"$ref": "#/components/schemas/ItemPatch"}]},
    },
    "additionalProperties": False,
}
_ANY = {"type": "object", "description": "Anything else fails by itself, with a result that says why."}


class BatchBody(BodySchema):
    """Writes, done in their order for each user."""

    operations = fields.List(
        fields.Dict(metadata={"anyOf": [_WRITE, _ANY]}), required=True, validate=validate.Length(max=MOST)
    )


class ResultSchema(AnswerSchema):
    """What came of one write."""

    status = choice(STATUSES, required=True)
    user_id = fields.Str(required=True, allow_none=True)
    external_id = fields.Str(required=True, allow_none=True)
    item_id = fields.Str(required=True, allow_none=True)
    version = fields.Int(required=True, allow_none=True, metadata={"description": "The version that it now has."})
    code = fields.Str(required=True, allow_none=True, metadata={"description": "Of the list of errors, if it failed."})
    field = fields.Str(required=True, allow_none=True, metadata={"description": "The value that can't be used."})
    detail = fields.Str(required=True, allow_none=True)


class BatchSchema(AnswerSchema):
    """A result for each write, in their order."""

    results = fields.List(fields.Nested(ResultSchema), required=True)


_NONE = dict.fromkeys(("code", "field", "detail"))
_BODY = {
    "operations": [
        {"user_id": "alice", "op": "put", "external_id": "T-17", "item": GIVEN},
        {"user_id": "bob", "op": "delete", "external_id": "T-16", "if_version": 3},
    ]
}
_DONE = {
    "results": [
        {
            "status": "created",
            "user_id": "alice",
            "external_id": "T-17",
            "item_id": "itm_5f0c3a9d2b71",
            "version": 1,
            **_NONE,
        },
        {
            "status": "failed",
            "user_id": "bob",
            "external_id": "T-16",
            "item_id": "itm_2b6e8d0c4f19",
            "version": 4,
            **_NONE,
            "code": "item_changed",
        },
    ]
}


@blueprint.route("/item-batches")
class ItemBatches(MethodView):
    """Batches."""

    @operation(Scope.ITEMS_WRITE, Gives(200, BatchSchema, _DONE), takes=Takes(BatchBody, _BODY, limit=LARGEST))
    def post(self, here: Here, body: dict[str, Any]) -> Any:
        """Write up to 500 items

        Each write has its own result; one that fails keeps no other from being done.
        """
        results = write_items(here.parts, here.tenant, body["operations"], only_user=here.caller.user_id)
        return {"results": [to_json(each) for each in results]}
