"""Secrets: sealed in their place, opened by any configured key, sealed anew on rotation, never shown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from calbridge.errors import SecretUnreadable
from calbridge.store.database import Database
from calbridge.store.rotation import rotate, verify
from calbridge.store.secrets import SecretBox, derive
from calbridge.store.webhooks import Webhook

from .helpers import KEY, OTHER_KEY, TENANT, USER, Clock, event, fill

PLACE = ("acme", "accounts", "a1", "secret")
BOX = SecretBox([KEY])


@given(st.text())
def test_a_secret_comes_back_exactly_and_is_never_sealed_the_same_way_twice(secret: str) -> None:
    sealed = BOX.seal(secret, *PLACE)
    assert BOX.open(sealed, *PLACE) == secret
    assert BOX.seal(secret, *PLACE) != sealed


@pytest.mark.parametrize("index", range(4))
def test_a_secret_moved_to_another_place_cannot_be_opened(index: int) -> None:
    sealed = BOX.seal("s3cret", *PLACE)
    elsewhere = [part + "x" if number == index else part for number, part in enumerate(PLACE)]
    with pytest.raises(SecretUnreadable):
        BOX.open(sealed, *elsewhere)
    with pytest.raises(SecretUnreadable):
        BOX.open(sealed, "acmeaccounts", "", "a1", "secret")


def test_another_key_or_a_changed_byte_opens_nothing() -> None:
    sealed = BOX.seal("s3cret", *PLACE)
    version, key_id, body = sealed.split(".")
    data = bytearray(base64.urlsafe_b64decode(body))
    data[-1] ^= 1
    changed = f"{version}.{key_id}.{base64.urlsafe_b64encode(data).decode()}"
    for box, told in ((SecretBox([OTHER_KEY]), sealed), (BOX, changed), (BOX, ""), (BOX, "v1.x.y"), (BOX, "v1..!")):
        with pytest.raises(SecretUnreadable) as refused:
            box.open(told, *PLACE)
        assert "s3cret" not in str(refused.value)


def test_every_purpose_has_a_key_of_its_own() -> None:
    assert len({derive(KEY, purpose) for purpose in ("secrets", "key id", "fingerprints", "other")}) == 4
    assert derive(KEY, "secrets") != derive(OTHER_KEY, "secrets")


def test_neither_keys_nor_secrets_show_in_a_repr(database: Database) -> None:
    fill(database)
    with database.read(TENANT) as work:
        shown = f"{work.accounts.list(USER)} {database.secrets} {database.installation} {database.keys(TENANT)}"
    assert KEY not in shown
    assert "'secret'" not in shown
    assert database.installation.fingerprint_secret.hex() not in shown
    assert repr(database.installation.fingerprint_secret) not in shown


def test_the_database_holds_no_secret_in_the_clear(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.accounts.save_secret("alice-a1", "app-specific-pass")
        assert work.accounts.secret("alice-a1") == "app-specific-pass"
        stored = str(work.connection.execute(text("SELECT secret FROM accounts")).scalar_one())
    assert "app-specific-pass" not in stored


def test_rotation_seals_everything_with_the_new_key(open_database: Callable[..., Database]) -> None:
    old = open_database(KEY)
    fill(old)
    before = old.keys(TENANT).match(event())
    both = open_database(OTHER_KEY, KEY)
    assert (verify(both).total, verify(both).outdated, verify(both).unreadable) == (2, 2, ())
    assert rotate(both).outdated == 2
    assert rotate(both).outdated == 0
    new = open_database(OTHER_KEY)
    with new.read(TENANT) as work:
        assert work.accounts.secret("alice-a1") == "secret"
    assert new.keys(TENANT).match(event()) == before
    assert verify(new).unreadable == ()


def test_secrets_of_webhooks_are_sealed_for_their_place_and_rotated(
    open_database: Callable[..., Database], clock: Clock
) -> None:
    old = open_database(KEY)
    fill(old)
    with old.write(TENANT) as work:
        for name in ("h1", "h2"):
            work.webhooks.add(Webhook(name, "https://example.com", ("item.created",)), f"whsec_{name}")
        work.webhooks.rotate("h1", "whsec_new", clock.now() + timedelta(hours=1))
        stored = work.connection.execute(text("SELECT secret, former_secret FROM webhooks ORDER BY id")).all()
    assert "whsec" not in str(stored)
    assert rotate(open_database(OTHER_KEY, KEY)).outdated == 5
    new = open_database(OTHER_KEY)
    assert (verify(new).total, verify(new).outdated, verify(new).unreadable) == (5, 0, ())
    with new.write(TENANT) as work:
        assert work.webhooks.secrets("h1") == ["whsec_new", "whsec_h1"]
        assert work.webhooks.secrets("h2") == ["whsec_h2"]
        work.connection.execute(text("UPDATE webhooks SET secret = former_secret WHERE id = 'h1'"))
        with pytest.raises(SecretUnreadable):
            work.webhooks.secrets("h1")


def test_secrets_without_their_key_are_named_and_left_alone(open_database: Callable[..., Database]) -> None:
    old = open_database(KEY)
    fill(old)
    stranger = open_database(OTHER_KEY)
    assert set(rotate(stranger).unreadable) == {
        ("acme", "accounts", "alice-a1", "secret"),
        ("", "installation", "1", "fingerprint_secret"),
    }
    with pytest.raises(SecretUnreadable), stranger.read(TENANT):
        pass
    assert verify(old).unreadable == ()


def test_two_processes_agree_on_who_the_installation_is(open_database: Callable[..., Database]) -> None:
    assert open_database().installation == open_database().installation
    assert open_database().keys("a").match(event()) != open_database().keys("b").match(event())
