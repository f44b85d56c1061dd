"""Where a PSA shows the record behind an item: a tenant's template with the item's ids in it. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from calbridge.domain.item import Item
from calbridge.domain.json_parts import Part, invalid

PLACES = ("record_id", "external_id", "id", "type")
"""What a template may name."""
LONGEST = 500
_PLACE = re.compile(r"\{([^{}]*)\}")
# Places stand behind the host: nobody's id decides where a link leads.
_SHAPE = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[\x21-\x7e]*)?")


def record_url_in(part: Part, name: str = "record_url") -> str | None:
    """The template, or None. Raises Refused (``invalid_value``)."""
    text = part.text(name)
    if not text:
        return None
    bare = _PLACE.sub("", text)
    if len(text) > LONGEST or not _SHAPE.fullmatch(text) or set("{}") & set(bare):
        raise invalid(part.field(name), f"must be an address of at most {LONGEST} characters, names behind its host")
    if not set(_PLACE.findall(text)) <= set(PLACES):
        known = ", ".join(f"{{{each}}}" for each in PLACES)
        raise invalid(part.field(name), f"must hold no other names than {known}")
    return text


def record_url(template: str | None, item: Item) -> str | None:
    """The address of an item's record; None where there is no template, or no value for what it names."""
    if template is None:
        return None
    values = {
        "record_id": item.record_id,
        "external_id": item.external_id,
        "id": item.id,
        "type": item.type.value,
    }
    names = set(_PLACE.findall(template))
    if not all(values[name] for name in names):
        return None
    return _PLACE.sub(lambda found: quote(values[found[1]] or "", safe=""), template)
