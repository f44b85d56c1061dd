"""What the schemas of bodies, queries and answers share."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

ID_PATTERN = "^[A-Za-z0-9._~@:-]{1,200}$"
DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200


class AnswerSchema(Schema):
    """Documents an answer. Answers are not passed through it: use cases make them in this shape already."""


class BodySchema(Schema):
    """A body: unknown names are refused; the use case gets it as it was sent, and checks its meaning."""

    class Meta:
        """See marshmallow."""

        unknown = RAISE

    @post_load(pass_original=True)
    def as_sent(self, data: Any, original: Any, **_: Any) -> Any:
        """The body itself."""
        return original


class QuerySchema(Schema):
    """A query: unknown names are refused."""

    class Meta:
        """See marshmallow."""

        unknown = RAISE


class ListQuery(QuerySchema):
    """Every list."""

    cursor = fields.Str(
        load_default=None,
        validate=validate.Length(1, 2000),
        metadata={"description": "Where to go on: the next_cursor of the last answer."},
    )
    limit = fields.Int(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, LARGEST_LIMIT),
        metadata={"description": "At most this many."},
    )


def identifier(description: str = "", *, required: bool = True) -> fields.Str:
    """An id."""
    metadata = {"description": description} if description else {}
    return fields.Str(required=required, validate=validate.Regexp(ID_PATTERN), metadata=metadata)


def moment(description: str = "", **options: Any) -> fields.Str:
    """A time of an answer (RFC 3339, UTC)."""
    metadata = {"format": "date-time"} | ({"description": description} if description else {})
    return fields.Str(allow_none=True, metadata=metadata, **options)


def list_of(schema: type[Schema], name: str) -> type[Schema]:
    """The schema of a page of a list."""
    return AnswerSchema.from_dict(
        {
            "data": fields.List(fields.Nested(schema), required=True),
            "next_cursor": fields.Str(
                required=True,
                allow_none=True,
                metadata={"description": "Ask for the next page with it; null at the end."},
            ),
        },
        name=name,
    )
