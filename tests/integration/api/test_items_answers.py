"""Answering invitations through the API."""

from __future__ import annotations

import pytest

from calbridge.domain.content import MASTER, Field, People, Person
from calbridge.testing.memory import OWNER_ADDRESS
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, event, visit

ITEMS = f"/v1/users/{ALICE}/items"
INVITED = {(MASTER, Field.PEOPLE): People(Person("boss@example.com"), (Person(OWNER_ADDRESS),))}


def invite(api: Api) -> str:
    """A meeting of somebody else that was retrieved; its item's path."""
    api.world.connect()
    api.world.sync()
    api.world.memory.phone.create(event("Review").with_units(INVITED))
    api.world.sync()
    (item,) = api.as_("backend").get(ITEMS).json["data"]
    return f"{ITEMS}/{item['id']}"


def test_an_answer_is_given_and_shown(api: Api) -> None:
    path = invite(api)
    answer = api.as_("backend").post(f"{path}/response", {"response": "tentative", "comment": "Perhaps late."})
    assert (answer.status_code, answer.json["my_response"]) == (200, "tentative")
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    assert api.as_("backend").get(path).json == answer.json


def test_only_invitations_are_answered(api: Api) -> None:
    api.as_("backend").put(f"{ITEMS}/ext:a", visit())
    answer = api.as_("backend").post(f"{ITEMS}/ext:a/response", {"response": "accepted"})
    assert (answer.status_code, answer.json["code"]) == (409, "not_invited")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"response": "needs_action"}, "response"),
        ({}, "response"),
        ({"response": "accepted", "comment": "x" * 2001}, "comment"),
        ({"response": "accepted", "mood": "good"}, "mood"),
    ],
)
def test_an_answer_that_is_none_is_named(api: Api, body: dict[str, str], field: str) -> None:
    answer = api.as_("backend").post(f"{ITEMS}/ext:a/response", body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
