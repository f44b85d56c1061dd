"""From the words of ``items put`` to the JSON form of an item. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calbridge.cli.words import in_zone

_PLAIN = ("type", "title", "location", "status", "show_as", "visibility", "record_id")


def item_body(words: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """The fields that were said; times without a zone are in ``zone``, text stays as it was typed."""
    body: dict[str, Any] = {name: words[name] for name in _PLAIN if words.get(name) is not None}
    for name in ("start", "end", "due"):
        if words.get(name) is not None:
            body[name] = in_zone(words[name], zone)
    if words.get("description") is not None:
        body["description"] = {"text": words["description"]}
    if words.get("rules"):
        body["recurrence"] = [rule if ":" in rule else f"RRULE:{rule}" for rule in words["rules"]]
    if words.get("reminders"):
        body["reminders"] = [{"minutes_before": minutes} for minutes in words["reminders"]]
    return body


def with_occurrence(
    overrides: Sequence[Mapping[str, Any]], key: str, changes: Mapping[str, Any], *, cancelled: bool
) -> list[dict[str, Any]]:
    """``overrides`` with the occurrence whose original start is ``key`` changed, or cancelled."""
    others = [dict(override) for override in overrides if override["recurrence_id"] != key]
    former = next((dict(override) for override in overrides if override["recurrence_id"] == key), {})
    if cancelled:
        return [*others, {"recurrence_id": key, "cancelled": True}]
    kept = {name: value for name, value in former.items() if name != "cancelled"}
    return [*others, {**kept, "recurrence_id": key, **changes}]


def recurrence_id(point: Mapping[str, Any]) -> str:
    """The original local start of an occurrence, as overrides are keyed by it."""
    return str(point.get("date") or point["date_time"])
