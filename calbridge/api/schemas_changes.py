"""Changes as the feed and webhooks tell them: the shape that :mod:`calbridge.service.change_views` makes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from calbridge.api.schemas import AnswerSchema, moment
from calbridge.api.schemas_items import ITEM, ItemSchema, choice

DOORS = ("api", "page", "cli", "sync")
OPS = ("create", "update", "delete", "kept")


class SourceSchema(AnswerSchema):
    """Who made a change."""

    door = choice(DOORS, required=True, metadata={"description": "sync: it came from a linked calendar."})
    key = fields.Str(metadata={"description": "The key that wrote it, or `user:` and whose token it was."})
    integration = fields.Str(metadata={"description": "The integration that retrieved it."})
    run = fields.Str(metadata={"description": "The run that retrieved it."})


class TombstoneSchema(AnswerSchema):
    """What is left of an item that was deleted."""

    id = fields.Str(required=True)
    user_id = fields.Str(required=True)
    external_id = fields.Str(required=True, allow_none=True)
    record_id = fields.Str(required=True, allow_none=True)
    version = fields.Int(required=True)
    deleted_at = moment(required=True)


class FeedChangeSchema(AnswerSchema):
    """One change; an item that changed again meanwhile is shown as it is now."""

    seq = fields.Int(required=True, metadata={"description": "Its place in the order of the tenant's changes."})
    op = choice(
        OPS,
        required=True,
        metadata={"description": "kept: it was deleted in a linked calendar, and stays here (settings, existence)."},
    )
    user_id = fields.Str(required=True)
    item_id = fields.Str(required=True)
    version = fields.Int(required=True, metadata={"description": "The version that the change made."})
    item = fields.Nested(ItemSchema, required=True, allow_none=True)
    tombstone = fields.Nested(TombstoneSchema, required=True, allow_none=True)
    changed_fields = fields.List(
        fields.Str(),
        required=True,
        metadata={
            "description": "Fields of the item; `time` is start, end and recurrence together, `people` organizer "
            "and attendees, `responses` the attendees' answers."
        },
    )
    source = fields.Nested(SourceSchema, required=True)
    at = moment(required=True)


class ChangesSchema(AnswerSchema):
    """A page of the feed."""

    data = fields.List(fields.Nested(FeedChangeSchema), required=True)
    next_cursor = fields.Str(
        required=True, metadata={"description": "Where to go on, now or later; also after an empty page."}
    )


CHANGE: dict[str, Any] = {
    "seq": 4711,
    "op": "update",
    "user_id": "alice",
    "item_id": ITEM["id"],
    "version": 2,
    "item": ITEM | {"version": 2},
    "tombstone": None,
    "changed_fields": ["time"],
    "source": {"door": "sync", "integration": "8fQ2mT5wYb1k", "run": "b7Kp0sXv3nQe"},
    "at": "2027-01-04T08:05:01Z",
}
