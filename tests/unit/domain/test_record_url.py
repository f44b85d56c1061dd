"""Addresses of records: a tenant's template, and an item's ids in it."""

from __future__ import annotations

import pytest

from calbridge.domain.item import Item, ItemType
from calbridge.domain.json_parts import Part
from calbridge.domain.record_url import record_url, record_url_in
from calbridge.errors import Refused

TEMPLATE = "https://psa.example.com/{type}/{record_id}?from=calbridge"


def item(**ids: str) -> Item:
    return Item("i1", "alice", type=ItemType.SERVICE_CALL, **ids)  # type: ignore[arg-type]


def test_an_item_s_ids_are_filled_in() -> None:
    assert record_url(TEMPLATE, item(record_id="42")) == "https://psa.example.com/service_call/42?from=calbridge"
    every = "https://psa.example.com:8443/{id}/{external_id}/{external_id}"
    assert record_url(every, item(external_id="SC-1")) == "https://psa.example.com:8443/i1/SC-1/SC-1"
    assert record_url("https://psa.example.com", item()) == "https://psa.example.com"


def test_an_item_without_the_id_that_is_named_has_no_address() -> None:
    assert record_url(TEMPLATE, item(external_id="SC-1")) is None
    assert record_url(None, item(record_id="42")) is None


@pytest.mark.parametrize(
    ("told", "filled"),
    [("../../x", "..%2F..%2Fx"), ("a b&c=d#e", "a%20b%26c%3Dd%23e"), ("ä\r\nX: y", "%C3%A4%0D%0AX%3A%20y")],
)
def test_an_id_stays_one_piece_whatever_it_holds(told: str, filled: str) -> None:
    assert (
        record_url("https://psa.example.com/r/{record_id}", item(record_id=told))
        == f"https://psa.example.com/r/{filled}"
    )


@pytest.mark.parametrize(
    "told",
    [
        "javascript:alert({id})",
        "ftp://psa.example.com/{id}",
        "https://{record_id}/x",
        "https://psa.example.com{id}",
        "https://user@psa.example.com/{id}",
        "https://psa.example.com/{title}",
        "https://psa.example.com/{id",
        "https://psa.example.com/{{id}}",
        "https://psa.example.com/a b",
        "https://psa.example.com/\r\nX",
        "https://psa.example.com/ä",
        "https://psa.example.com/" + "x" * 500,
        7,
    ],
)
def test_what_is_no_address_is_refused_by_name(told: object) -> None:
    with pytest.raises(Refused) as refused:
        record_url_in(Part({"record_url": told}, ""))
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", "record_url")


@pytest.mark.parametrize("told", [None, ""])
def test_there_need_not_be_one(told: str | None) -> None:
    assert record_url_in(Part({"record_url": told}, "")) is None
    assert record_url_in(Part({"record_url": TEMPLATE}, "")) == TEMPLATE
