"""Verbs about keys."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.cli.conftest import Calbridge


def test_a_key_is_made_shown_once_and_taken_back(calbridge: Calbridge) -> None:
    done = calbridge.call("keys", "create", "--role", "backend", "--name", "PSA", "--expires", "2999-12-31")
    assert done.exit_code == 0
    assert "cbk_t" in done.stdout
    assert "can't be shown again" in done.stderr

    listed = calbridge.text("keys", "list")
    assert "PSA" in listed
    assert "cbk_" not in listed
    (key,) = calbridge.json("keys", "list")["data"]
    assert (key["role"], key["expires_at"]) == ("backend", "2999-12-31T00:00:00Z")

    assert calbridge.call("keys", "revoke", key["id"]).exit_code == 2
    assert calbridge.text("keys", "revoke", key["id"], "--yes") == "Taken back: PSA (backend).\n"
    assert calbridge.text("keys", "list").startswith("There is no key yet")


def test_the_platforms_keys_are_apart_and_need_no_tenant(empty: Calbridge) -> None:
    empty.text("db", "upgrade")
    made = empty.json("keys", "create", "--platform", "--name", "Operations")
    assert made["key"].startswith("cbk_p")

    assert [each["id"] for each in empty.json("keys", "list", "--platform")["data"]] == [made["id"]]
    empty.text("tenants", "create", "acme")
    assert empty.json("keys", "list")["data"] == []
    empty.text("keys", "revoke", made["id"], "--platform", "--yes")
    assert empty.json("keys", "list", "--platform")["data"] == []


@pytest.mark.parametrize("words", [("--name", "A"), ("--name", "A", "--platform", "--role", "admin")])
def test_whose_key_it_shall_be_must_be_said_once(calbridge: Calbridge, words: tuple[str, ...]) -> None:
    done = calbridge.call("keys", "create", *words)

    assert done.exit_code == 2
    assert "either --role or --platform" in done.stderr


def test_a_third_key_of_a_name_is_refused_with_what_to_do(calbridge: Calbridge) -> None:
    words = ("keys", "create", "--role", "admin", "--name", "A")
    for _ in range(2):
        calbridge.text(*words)

    done = calbridge.call(*words)
    assert done.exit_code == 3
    assert "Revoke the one that nobody uses" in done.stderr


def test_more_keys_than_a_page_are_all_listed(calbridge: Calbridge) -> None:
    from calbridge.app import build
    from calbridge.service.access import Role
    from calbridge.service.keys import create_key
    from calbridge.settings import load_settings

    environment = {name: value for name, value in calbridge.environment.items() if value is not None}
    with build(load_settings(environment)) as parts:
        for number in range(201):
            create_key(parts, "acme", Role.ADMIN, f"Key {number}")

    assert len({each["id"] for each in calbridge.json("keys", "list")["data"]}) == 201


def test_a_day_that_is_none_is_a_usage_error(calbridge: Calbridge) -> None:
    done = calbridge.call("keys", "create", "--role", "admin", "--name", "A", "--expires", "tomorrow")

    assert done.exit_code == 2
    assert "write 2027-12-31" in done.stderr


def test_a_day_that_has_begun_is_no_day_on_which_a_key_can_end(calbridge: Calbridge) -> None:
    for day in ("2020-01-01", datetime.now(UTC).date().isoformat()):
        done = calbridge.call("keys", "create", "--role", "admin", "--name", "A", "--expires", day)

        assert done.exit_code == 2
        assert f"--expires {day}" in done.stderr
        assert "name a day to come" in done.stderr
    assert calbridge.json("keys", "list")["data"] == []
