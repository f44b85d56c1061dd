"""The committed document is what the application makes, its examples are true, every operation says what it must."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from calbridge.api.pages import NOBODY
from calbridge.app import openapi_document
from calbridge.catalogue import CATALOGUE
from calbridge.service.access import Scope
from tests.conftest import ROOT

TEXT = openapi_document()
DOCUMENT: dict[str, Any] = json.loads(TEXT)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield f"{method.upper()} {path}", operation


OPERATIONS = dict(operations())
PAGES = {"GET /v1/oauth/sign-in", "GET /v1/oauth/callback", "POST /v1/oauth/callback"}
"""For browsers, without a key."""
NOTICES = {f"{method} /v1/notifications/{{connector}}/{{watch_id}}" for method in ("GET", "POST")}
"""For calendar services, without a key."""


def errors_against(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DOCUMENT["components"], **schema}
    return [f"{error.instance_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]


def test_the_committed_document_is_what_the_application_makes() -> None:
    committed = (ROOT / "openapi" / "calbridge.json").read_text(encoding="utf-8")
    assert committed == TEXT, "write it anew: make openapi"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_who_may_what_it_does_and_has_an_own_name(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["x-scope"] in {NOBODY} if name in PAGES | NOTICES else set(Scope)
    assert operation["summary"]
    assert [each["operationId"] for each in OPERATIONS.values()].count(operation["operationId"]) == 1
    always = {"429", "503"} | ({"400"} if name in PAGES else {"422"})
    if name not in PAGES | NOTICES:
        always |= {"401", "403"}
    assert always <= operation["responses"].keys()
    assert "default" not in operation["responses"]


def test_only_pages_for_browsers_and_what_services_tell_need_no_key() -> None:
    assert {name for name, operation in OPERATIONS.items() if operation.get("security") == []} == PAGES | NOTICES


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_as_its_schema_says(name: str) -> None:
    operation = OPERATIONS[name]
    contents = [(answer.get("content", {}), status) for status, answer in operation["responses"].items()]
    if "requestBody" in operation:
        contents.append((operation["requestBody"]["content"], "body"))
    for content, where in contents:
        for told in content.values():
            examples = [told["example"]] if "example" in told else [one["value"] for one in told["examples"].values()]
            for example in examples:
                assert errors_against(told["schema"], example) == [], where


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_error_of_the_document_is_in_the_catalogue(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}):
            assert code in CATALOGUE, status


def test_the_document_names_no_machine() -> None:
    assert "localhost" not in TEXT
    assert "127.0.0.1" not in TEXT
