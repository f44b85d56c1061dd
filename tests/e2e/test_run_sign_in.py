"""`calbridge run` behind TLS: a user signs in at Google, jobs carry the first run, and the end of it ends the grant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calbridge.app import build, upgrade_database
from calbridge.service import tenants, users
from calbridge.service.access import Role
from calbridge.service.hosts import grant_host
from calbridge.service.keys import create_key
from calbridge.settings import load_settings
from tests.doubles.caldav.certificate import server_context
from tests.doubles.google import Client, GoogleDouble, google_double
from tests.e2e.running import ALICE, TENANT, Started, running
from tests.integration.signing_in.browser import Browser
from tests.servers.process import free_port
from tests.servers.tls_front import tls_front


@pytest.fixture
def google_and_start(tmp_path: Path) -> Iterator[tuple[GoogleDouble, Started]]:
    """A data folder with a tenant and alice, and Google; the service does not run yet."""
    port, outside = free_port(), free_port()
    url = f"https://127.0.0.1:{outside}"
    client = Client(redirect_uris=(f"{url}/v1/oauth/callback",))
    with google_double(client=client) as google:
        given = {
            "DATA_DIR": str(tmp_path / "data"),
            "PORT": str(port),
            "PUBLIC_URL": url,
            "TRUSTED_PROXIES": "0",
            "PRIVATE_NETWORKS": "127.0.0.1/32",
            "GOOGLE_CLIENT_ID": client.id,
            "GOOGLE_CLIENT_SECRET": client.secret,
            "GOOGLE_API_URL": google.url,
            "GOOGLE_OAUTH_URL": google.url,
        }
        environ = {f"CALBRIDGE_{name}": value for name, value in given.items()}
        settings = load_settings(environ)
        upgrade_database(settings)
        with build(settings) as parts:
            tenants.create_tenant(parts, TENANT, "Acme IT")
            users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
            grant_host(parts, TENANT, google.url.split("/")[2])
            key = create_key(parts, TENANT, Role.BACKEND, "PSA").key
        with tls_front(outside, port, server_context(tmp_path, [])):
            yield google, Started(environ, key, tmp_path / "service.log")


def lunch() -> dict[str, Any]:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    times = [{"dateTime": each.isoformat(), "timeZone": "UTC"} for each in (start, start + timedelta(hours=1))]
    return {"summary": "Lunch", "start": times[0], "end": times[1]}


def test_a_user_signs_in_and_jobs_do_the_rest(google_and_start: tuple[GoogleDouble, Started], tmp_path: Path) -> None:
    google, at = google_and_start
    google.insert(lunch())
    with running(at), closing(Browser(tmp_path / "ca.pem")) as browser:
        made = at.call("POST", "/v1/integrations", {"user_id": ALICE, "service": "google"}).json()["id"]
        begun = at.call("POST", f"/v1/integrations/{made}/authorization", {})
        consent = browser.follow(browser.open(begun.json()["authorize_url"]))
        question = browser.submit(consent, ("act", "allow"))
        end = browser.submit(question, ("word", "connect"))
        assert "You may close this page" in end.words

        choice = {"calendar_id": google.user, "active": True, "settings": {"ranges": {"retrieve": {}}}}
        assert at.call("PATCH", f"/v1/integrations/{made}", choice).json()["status"] == "connected"

        at.wait(lambda: titles(at) == ["Lunch"])
        assert at.call("DELETE", f"/v1/integrations/{made}").status_code in {202, 204}
        at.wait(lambda: google.living_grants == [])
    log = at.log.read_text(encoding="utf-8")
    for secret in (google.client.secret, question.forms[0].fields["state"], "code="):
        assert secret not in log


def titles(at: Started) -> list[str]:
    return [each["title"] for each in at.call("GET", f"/v1/users/{ALICE}/items").json()["data"]]
