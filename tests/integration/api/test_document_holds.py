"""Every operation, as every kind of caller, with what its document allows and forbids: no undocumented answer, no 500.

Schemathesis makes the requests out of the document. ``SCHEMA_EXAMPLES`` makes it try longer (``make soak``).
"""

from __future__ import annotations

import json
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from calbridge.api import install
from calbridge.api.limits import Rates
from calbridge.app import openapi_document
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT

FEW = 3
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", FEW))
CHECKS = list(HealthCheck)
POSITIVE = GenerationMode.POSITIVE
CALLERS = ["platform", "admin", "backend", "user"]
CONFIG = SchemathesisConfig.from_dict(
    {
        # Values out of the application's own code, read anew for every application: worth it in a long search alone.
        "analysis": {"constants": {"enabled": EXAMPLES > FEW}},
        "checks": {
            # What a document can't say (an end before its start, a zone that does not exist) is 422, a version 412.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "401", "403", "404", "409", "410", "412", "422", "429", "502"]
            },
        },
    }
)


_TOLD = json.loads(openapi_document())
DOCUMENT = schemathesis.openapi.from_dict(_TOLD, config=CONFIG)
"""One for all tests: what is worked out of it is large, and kept."""
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, methods in _TOLD["paths"].items()
    for method in methods
    if method in {"get", "post", "put", "patch", "delete"}
]


@pytest.fixture
def lived_in(api: Api) -> Api:
    """An application that counts no calls, with an integration and an item."""
    install(api.app, api.world.parts, Rates("1000000/second", "1000000/second"))
    api.world.connect()
    api.world.put("visit", title="Visit", start={"date": "2027-01-05"}, end={"date": "2027-01-06"})
    api.world.sync(send=(None, None))
    return api


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_the_document_says(name: str, who: str, lived_in: Api) -> None:
    method, path = name.split(" ")
    DOCUMENT.app = lived_in.app
    headers = {"Authorization": f"Bearer {lived_in.key_of(who)}"}

    for mode in GenerationMode:
        _try(lived_in, DOCUMENT[path][method].as_strategy(generation_mode=mode), headers, aim=mode is POSITIVE)


def _try(api: Api, cases: SearchStrategy[schemathesis.Case], headers: dict[str, str], *, aim: bool) -> None:
    @given(cases)
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=CHECKS)
    def answers(case: schemathesis.Case) -> None:
        if aim:
            _aim(case, api)
        case.call_and_validate(headers=headers)

    answers()


def _aim(case: schemathesis.Case, api: Api) -> None:
    """Half of the calls meet something that is there."""
    there = {
        "user_id": ALICE,
        "tenant_id": TENANT,
        "integration_id": api.world.integration_id,
        "item_id": "ext:visit",
        "connector": "memory",
    }
    for name, value in (case.path_parameters or {}).items():
        if name in there and len(str(value)) % 2 == 0:
            case.path_parameters[name] = there[name]
