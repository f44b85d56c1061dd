"""A hostile CalDAV server while somebody connects: each trouble has its code, nothing is stored, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calbridge.errors import ConnectorError
from calbridge.service import hosts, integrations
from calbridge.service.parts import Parts, open_parts
from calbridge.store.migrate import upgrade
from tests.doubles.caldav import CalDavDouble, Quirks, caldav_double
from tests.integration.service.world import ALICE, TENANT, furnish, settings_for


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """An installation with the real connectors."""
    settings = settings_for(tmp_path, CALBRIDGE_PRIVATE_NETWORKS="127.0.0.0/8", CALBRIDGE_REQUEST_TIMEOUT="5")
    with open_parts(settings) as found:
        upgrade(found.database)
        furnish(found)
        yield found


def refused(parts: Parts, url: str, double: CalDavDouble | None = None) -> str:
    """The code that connecting ends with; nothing was stored."""
    account = {
        "url": url,
        "username": double.user if double else "alice",
        "password": double.password if double else "secret",
    }
    with pytest.raises(ConnectorError) as error:
        integrations.add_integration(parts, TENANT, user_id=ALICE, service="caldav", account=account)
    assert integrations.list_integrations(parts, TENANT) == []
    with parts.database.read(TENANT) as work:
        assert work.accounts.list(ALICE) == []
    return error.value.code


@pytest.mark.parametrize(
    ("quirks", "code"),
    [
        ({"rejects_login": True}, "sign_in_required"),
        ({"breakage": "html"}, "login_page"),
        ({"breakage": "not_xml"}, "not_a_calendar_server"),
        ({"breakage": "entity_bomb"}, "not_a_calendar_server"),
        ({"breakage": "external_entity"}, "not_a_calendar_server"),
        ({"breakage": "huge"}, "not_a_calendar_server"),
        ({"breakage": "gzip_bomb"}, "response_too_large"),
    ],
)
def test_a_bad_server_is_named_by_its_trouble(parts: Parts, quirks: dict[str, Any], code: str) -> None:
    with caldav_double(Quirks(**quirks)) as double:
        hosts.grant_host(parts, TENANT, "127.0.0.1:" + double.url.rstrip("/").rpartition(":")[2])
        assert refused(parts, double.url, double) == code


def test_a_private_server_needs_a_grant(parts: Parts) -> None:
    assert refused(parts, "https://127.0.0.1/") == "private_network_needed"


def test_a_server_that_is_not_there_is_unreachable(parts: Parts) -> None:
    hosts.grant_host(parts, TENANT, "127.0.0.1:9")
    assert refused(parts, "http://127.0.0.1:9/") == "host_unreachable"
