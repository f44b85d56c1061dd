"""The settings: defaults, every variable, and refusals that name the variable and hide its value."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from calbridge.errors import SettingsInvalid
from calbridge.settings import Settings, connector_settings, load_settings

KEY = "k" * 32
OTHER_KEY = "o" * 40


def test_nothing_needs_to_be_set_for_trying_out() -> None:
    assert load_settings({}) == Settings(
        data_dir=Path("var"),
        database_url="sqlite:///var/calbridge.db",
        secret_keys=(),
        production=False,
        private_networks=(),
        connectors=None,
        lease_seconds=60.0,
        request_timeout=30.0,
        redis_url=None,
        host="127.0.0.1",
        port=8080,
        public_url=None,
        platform_key=None,
        allowed_origins=(),
        trusted_proxies=0,
        smtp_url=None,
        mail_from="calbridge@localhost",
        sandbox=False,
        metrics_token=None,
        log_level="info",
    )


def test_every_setting_is_read_from_its_variable() -> None:
    environ = {
        "CALBRIDGE_DATA_DIR": "/srv/calbridge",
        "CALBRIDGE_DATABASE_URL": "postgresql+psycopg://db.example.com/calbridge",
        "CALBRIDGE_SECRET_KEYS": f"{KEY}, {OTHER_KEY}",
        "CALBRIDGE_PRODUCTION": "1",
        "CALBRIDGE_PRIVATE_NETWORKS": "10.1.0.0/16, fd00::/8",
        "CALBRIDGE_CONNECTORS": "calbridge-caldav, other",
        "CALBRIDGE_LEASE_SECONDS": "2.5",
        "CALBRIDGE_REQUEST_TIMEOUT": "1",
        "CALBRIDGE_REDIS_URL": "redis://redis.example.com:6379/0",
        "CALBRIDGE_HOST": "0.0.0.0",
        "CALBRIDGE_PORT": "9000",
        "CALBRIDGE_PUBLIC_URL": "https://calbridge.example.com/sync/",
        "CALBRIDGE_PLATFORM_KEY": KEY,
        "CALBRIDGE_ALLOWED_ORIGINS": "https://psa.example.com, https://psa.example.org:8443",
        "CALBRIDGE_TRUSTED_PROXIES": "1",
        "CALBRIDGE_SMTP_URL": "smtp://user:secret@mail.example.com:587",
        "CALBRIDGE_MAIL_FROM": "calbridge@example.com",
        "CALBRIDGE_SANDBOX": "yes",
        "CALBRIDGE_METRICS_TOKEN": OTHER_KEY,
        "CALBRIDGE_LOG_LEVEL": "WARNING",
    }

    assert load_settings(environ) == Settings(
        data_dir=Path("/srv/calbridge"),
        database_url="postgresql+psycopg://db.example.com/calbridge",
        secret_keys=(KEY, OTHER_KEY),
        production=True,
        private_networks=(ip_network("10.1.0.0/16"), ip_network("fd00::/8")),
        connectors=("calbridge-caldav", "other"),
        lease_seconds=2.5,
        request_timeout=1.0,
        redis_url="redis://redis.example.com:6379/0",
        host="0.0.0.0",
        port=9000,
        public_url="https://calbridge.example.com/sync",
        platform_key=KEY,
        allowed_origins=("https://psa.example.com", "https://psa.example.org:8443"),
        trusted_proxies=1,
        smtp_url="smtp://user:secret@mail.example.com:587",
        mail_from="calbridge@example.com",
        sandbox=True,
        metrics_token=OTHER_KEY,
        log_level="warning",
    )


def test_the_embedded_database_follows_the_data_folder() -> None:
    assert load_settings({"CALBRIDGE_DATA_DIR": "/srv/x"}).database_url == "sqlite:////srv/x/calbridge.db"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({"CALBRIDGE_LEASE_SECONDS": "", "CALBRIDGE_CONNECTORS": ""}) == load_settings({})


def test_the_environment_of_the_process_is_not_mixed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALBRIDGE_LEASE_SECONDS", "999")

    assert load_settings({}).lease_seconds == 60
    assert load_settings().lease_seconds == 999


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", " "),
        ("DATABASE_URL", "mysql://hush-hush"),
        ("SECRET_KEYS", "hush-hush"),
        ("SECRET_KEYS", f"{KEY},"),
        ("PRODUCTION", "hush-hush"),
        ("PRIVATE_NETWORKS", "10.0.0.0/8,hush-hush"),
        ("PRIVATE_NETWORKS", "10.0.0.1/8"),
        ("LEASE_SECONDS", "hush-hush"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "nan"),
        ("REQUEST_TIMEOUT", "-1"),
        ("REQUEST_TIMEOUT", "inf"),
        ("REDIS_URL", "http://hush-hush"),
        ("PORT", "70000"),
        ("PUBLIC_URL", "hush-hush"),
        ("PUBLIC_URL", "https://example.com/?hush=hush"),
        ("PLATFORM_KEY", "hush-hush"),
        ("ALLOWED_ORIGINS", "https://example.com/hush"),
        ("TRUSTED_PROXIES", "-1"),
        ("SMTP_URL", "mail://hush-hush"),
        ("MAIL_FROM", "hush"),
        ("METRICS_TOKEN", "hush-hush"),
        ("LOG_LEVEL", "hush-hush"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        load_settings({f"CALBRIDGE_{name}": value})

    assert f"CALBRIDGE_{name}" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"CALBRIDGE_LEASE_SECONDS .*; CALBRIDGE_LOG_LEVEL must be one of"):
        load_settings({"CALBRIDGE_LEASE_SECONDS": "x", "CALBRIDGE_LOG_LEVEL": "x"})


@pytest.mark.parametrize(("timeout", "lease"), [("30", "30"), ("31", "30")])
def test_a_request_must_end_before_the_lease(timeout: str, lease: str) -> None:
    with pytest.raises(SettingsInvalid, match="REQUEST_TIMEOUT must be shorter"):
        load_settings({"CALBRIDGE_REQUEST_TIMEOUT": timeout, "CALBRIDGE_LEASE_SECONDS": lease})


def test_production_refuses_to_start_without_keys() -> None:
    with pytest.raises(SettingsInvalid, match="CALBRIDGE_SECRET_KEYS must be set in production"):
        load_settings({"CALBRIDGE_PRODUCTION": "yes"})

    assert load_settings({"CALBRIDGE_PRODUCTION": "yes", "CALBRIDGE_SECRET_KEYS": KEY}).production


def test_settings_can_not_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_settings({}).lease_seconds = 1  # type: ignore[misc]


def test_what_is_shown_hides_keys_and_passwords() -> None:
    settings = load_settings(
        {
            "CALBRIDGE_SECRET_KEYS": KEY,
            "CALBRIDGE_DATABASE_URL": "postgresql+psycopg://calbridge:hush@db.example.com/main?password=hush",
            "CALBRIDGE_PRIVATE_NETWORKS": "10.0.0.0/8,fd00::/8",
        }
    )

    shown = settings.shown()

    assert shown["CALBRIDGE_DATABASE_URL"] == "postgresql+psycopg://db.example.com/main"
    assert shown["CALBRIDGE_SECRET_KEYS"] == "1 set (hidden)"
    assert shown["CALBRIDGE_PRIVATE_NETWORKS"] == "10.0.0.0/8, fd00::/8"
    assert shown["CALBRIDGE_PRODUCTION"] == "no"
    assert "hush" not in repr(settings) + str(shown)
    assert KEY not in repr(settings) + str(shown)


def test_the_default_database_is_shown_as_the_file_it_is() -> None:
    assert load_settings({}).shown()["CALBRIDGE_DATABASE_URL"] == "sqlite:///var/calbridge.db"


def test_a_connector_gets_what_it_asks_for_under_its_own_name_and_nothing_else() -> None:
    environ = {
        "CALBRIDGE_GOOGLE_CLIENT_ID": " id ",
        "CALBRIDGE_GOOGLE_API_URL": "",
        "CALBRIDGE_OTHER_CLIENT_ID": "other",
        "CALBRIDGE_SECRET_KEYS": KEY,
    }
    assert connector_settings("google", ("client_id", "api_url", "client_secret"), environ) == {"client_id": "id"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PRIVATE_NETWORKS", "foo", "must list networks such as 10.0.0.0/8"),
        ("PRIVATE_NETWORKS", "10.1.0.0/16,10.0.0.1/8", "must list networks such as 10.0.0.0/8"),
        ("ALLOWED_ORIGINS", "https://psa.example.com,foo", "must list origins such as https://psa.example.com"),
    ],
)
def test_what_is_wrong_with_a_member_of_a_list_is_told(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"CALBRIDGE_{name} {reason}$"):
        load_settings({f"CALBRIDGE_{name}": value})
