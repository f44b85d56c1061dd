"""The page for those who write a PSA names what there is, and says of it what the code says."""

from __future__ import annotations

import json
import re

import pytest

from calbridge.api.limits import Rates
from calbridge.api.operation import BODY_LIMIT
from calbridge.api.resources.item_batches import LARGEST
from calbridge.app import openapi_document
from calbridge.domain.item import ItemType
from calbridge.service import item_batches, known, links, user_imports
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
WORDS = re.sub(r"\s+", " ", PAGE)
PATHS = json.loads(openapi_document())["paths"]
NAMED = sorted(set(re.findall(r"`(GET|PUT|POST|PATCH|DELETE) (/v1/[^`? ]*)", WORDS)))


@pytest.mark.parametrize(("method", "path"), NAMED)
def test_every_operation_on_the_page_exists(method: str, path: str) -> None:
    assert method.lower() in PATHS[path.replace("ext:{external_id}", "{item_id}")]


def test_the_page_names_every_operation_of_items_and_integrations() -> None:
    named = {path.replace("ext:{external_id}", "{item_id}") for _, path in NAMED}
    of_interest = [path for path in PATHS if path.startswith(("/v1/integrations", "/v1/users/{user_id}/items"))]
    elsewhere = {"/v1/integrations/{integration_id}/authorization", "/v1/integrations/{integration_id}/runs/{run_id}"}
    assert set(of_interest) - named - elsewhere <= {"/v1/users/{user_id}/items/{item_id}"}


def test_the_words_and_figures_on_the_page_are_those_of_the_code() -> None:
    for word in (*links.ACTIONS, *known.ACTIONS, *item_batches.OPS, *ItemType):
        assert f"`{word}`" in PAGE, word
    rates = Rates()
    assert (rates.per_key, rates.failures_per_address) == ("6000/minute", "60/minute")
    assert (BODY_LIMIT, LARGEST, user_imports.MAX_BYTES) == (2**20, 10 * 2**20, 10 * 2**20)
    assert (item_batches.MOST, user_imports.MAX_ROWS) == (500, 50_000)
    for figure in ("6,000 calls", "60 wrong keys", "1 MiB", "10 MiB", "up to 500", "50,000 lines"):
        assert figure in WORDS
