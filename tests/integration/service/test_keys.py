"""Keys of programs, and who is let in with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from calbridge.errors import Refused
from calbridge.service import keys, tenants
from calbridge.service.access import SCOPES, Role, Scope
from calbridge.service.authentication import OF_SETTING, authenticate
from calbridge.service.parts import Actor, Parts
from calbridge.service.views import to_json
from tests.integration.service.world import TENANT, World

HOUR = timedelta(hours=1)


def refused(parts: Parts, presented: str) -> str:
    with pytest.raises(Refused) as error:
        authenticate(parts, presented)
    assert (error.value.detail, dict(error.value.facts)) == ("", {})
    return error.value.code


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BACKEND])
def test_a_key_of_a_tenant_opens_that_tenant_with_its_role(world: World, role: Role) -> None:
    made = keys.create_key(world.parts, TENANT, role, "Front end")
    caller = authenticate(world.parts, made.key)
    assert (caller.role, caller.tenant, caller.key_id, caller.user_id) == (role, TENANT, made.id, None)
    assert caller.scopes == SCOPES[role]
    assert Scope.PLATFORM not in caller.scopes
    assert caller.actor == Actor("api", key=made.id, admin=role is Role.ADMIN)


def test_a_key_of_the_platform_opens_no_tenant(world: World) -> None:
    made = keys.create_key(world.parts, None, Role.PLATFORM, "Operations")
    caller = authenticate(world.parts, made.key)
    assert (caller.role, caller.tenant, caller.scopes) == (Role.PLATFORM, None, {Scope.PLATFORM, Scope.STATUS})


def test_the_platform_key_of_the_settings_needs_no_database(world: World) -> None:
    secret = "p" * 40
    parts = replace(world.parts, settings=replace(world.parts.settings, platform_key=secret))
    assert authenticate(parts, secret).key_id == OF_SETTING
    for wrong in (secret + "p", secret[:-1], "", f" {secret}"):
        assert refused(parts, wrong) == "unauthenticated"
    assert refused(world.parts, secret) == "unauthenticated"


def test_whatever_is_wrong_with_a_key_is_told_in_the_same_words(world: World) -> None:
    key = keys.create_key(world.parts, TENANT, Role.ADMIN, "Front end").key
    other = keys.create_key(world.parts, TENANT, Role.ADMIN, "Other").key
    head, prefix, secret = key.split("_", 2)
    wrong = [
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key + "A",
        f"{head}_{prefix}_{other.split('_', 2)[2]}",
        f"{head}_p{prefix[1:]}_{secret}",
        f"cbk_t{'0' * 16}_{secret}",
        key.upper(),
        f"{key}\n",
        "",
        "\ud800\x00",
        "x" * 1_000_000,
        "eyJhbGciOiJub25lIn0.e30.",
    ]
    assert {refused(world.parts, each) for each in wrong} == {"unauthenticated"}


def test_a_key_is_shown_once_and_stored_as_a_digest(world: World) -> None:
    made = keys.create_key(world.parts, TENANT, Role.ADMIN, "Front end")
    (shown,) = keys.list_keys(world.parts, TENANT)
    assert to_json(made) == to_json(shown) | {"key": made.key}
    assert made.key.startswith(f"cbk_{made.prefix}_")
    secret = made.key.split("_", 2)[2]
    with world.parts.database.connect(writes=False) as connection:
        dump = "\n".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM keys_of_tenants"))
        dump += "\n".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM audit"))
    assert made.prefix in dump
    assert secret not in dump


def test_a_key_that_expired_or_was_taken_back_is_refused(world: World) -> None:
    ends = keys.create_key(world.parts, TENANT, Role.ADMIN, "A", world.clock.now() + HOUR)
    gone = keys.create_key(world.parts, TENANT, Role.ADMIN, "B")
    assert authenticate(world.parts, ends.key).key_id == ends.id
    assert keys.revoke_key(world.parts, TENANT, gone.id).id == gone.id
    assert refused(world.parts, gone.key) == "unauthenticated"
    world.clock.advance(hours=1)
    assert refused(world.parts, ends.key) == "unauthenticated"
    assert [each.id for each in keys.list_keys(world.parts, TENANT)] == [ends.id]
    with pytest.raises(Refused) as error:
        keys.revoke_key(world.parts, TENANT, gone.id)
    assert error.value.code == "key_not_found"


def test_a_deleted_tenant_s_keys_open_nothing(world: World) -> None:
    made = keys.create_key(world.parts, TENANT, Role.ADMIN, "A")
    tenants.delete_tenant(world.parts, TENANT)
    assert refused(world.parts, made.key) == "unauthenticated"


@pytest.mark.parametrize(("tenant", "role"), [(TENANT, Role.ADMIN), (None, Role.PLATFORM)])
def test_one_key_follows_another_but_a_third_is_refused(world: World, tenant: str | None, role: Role) -> None:
    first, second = (keys.create_key(world.parts, tenant, role, "Front end") for _ in range(2))
    with pytest.raises(Refused) as error:
        keys.create_key(world.parts, tenant, role, " Front end ")
    assert error.value.code == "too_many_keys"
    keys.create_key(world.parts, tenant, role, "Another")
    keys.revoke_key(world.parts, tenant, first.id)
    assert authenticate(world.parts, second.key).key_id == second.id
    keys.create_key(world.parts, tenant, role, "Front end")


@pytest.mark.parametrize(
    ("tenant", "role", "name", "expires", "field"),
    [
        (TENANT, Role.PLATFORM, "A", None, "role"),
        (TENANT, Role.USER, "A", None, "role"),
        (None, Role.ADMIN, "A", None, "role"),
        (TENANT, Role.ADMIN, " ", None, "name"),
        (TENANT, Role.ADMIN, "a\nb", None, "name"),
        (TENANT, Role.ADMIN, "A", timedelta(0), "expires_at"),
    ],
)
def test_what_is_wrong_with_a_new_key_is_named(
    world: World, tenant: str | None, role: Role, name: str, expires: timedelta | None, field: str
) -> None:
    moment = None if expires is None else world.clock.now() + expires
    with pytest.raises(Refused) as error:
        keys.create_key(world.parts, tenant, role, name, moment)
    assert error.value.facts["field"] == field
    assert keys.list_keys(world.parts, tenant) == []


def test_an_expiry_without_a_zone_is_refused(world: World) -> None:
    with pytest.raises(Refused):
        keys.create_key(world.parts, TENANT, Role.ADMIN, "A", datetime(2030, 1, 1))


def test_there_are_no_keys_of_a_tenant_that_is_not_there(world: World) -> None:
    for call in (
        lambda: keys.create_key(world.parts, "t9", Role.ADMIN, "A"),
        lambda: keys.list_keys(world.parts, "t9"),
    ):
        with pytest.raises(Refused) as error:
            call()
        assert error.value.code == "tenant_not_found"


def test_one_tenant_does_not_see_another_s_keys(world: World) -> None:
    tenants.create_tenant(world.parts, "t2", "Other")
    made = keys.create_key(world.parts, TENANT, Role.ADMIN, "A")
    assert keys.list_keys(world.parts, "t2") == keys.list_keys(world.parts, None) == []
    for tenant in ("t2", None):
        with pytest.raises(Refused) as error:
            keys.revoke_key(world.parts, tenant, made.id)
        assert error.value.code == "key_not_found"
    assert authenticate(world.parts, made.key).tenant == TENANT


def test_the_audit_tells_who_made_and_took_back_a_key(world: World) -> None:
    acting = world.parts.acting(Actor("api", key="k0"))
    made = keys.create_key(acting, TENANT, Role.ADMIN, "A")
    keys.revoke_key(acting, TENANT, made.id)
    with world.parts.database.read(TENANT) as work:
        lines = [line for line in work.audit.list() if line.action.startswith("key_")]
    assert [(line.actor, line.action, line.facts["key"]) for line in lines] == [
        ("api key k0", "key_created", made.id),
        ("api key k0", "key_revoked", made.id),
    ]


def test_the_last_use_is_shown_to_the_minute(world: World) -> None:
    made = keys.create_key(world.parts, TENANT, Role.ADMIN, "A")
    authenticate(world.parts, made.key)
    first = world.clock.now()
    world.clock.advance(seconds=59)
    authenticate(world.parts, made.key)
    assert [each.last_used_at for each in keys.list_keys(world.parts, TENANT)] == [first]
    world.clock.advance(seconds=1)
    authenticate(world.parts, made.key)
    assert [each.last_used_at for each in keys.list_keys(world.parts, TENANT)] == [world.clock.now()]


def test_letting_somebody_in_takes_one_question_and_no_write(world: World) -> None:
    made = keys.create_key(world.parts, TENANT, Role.ADMIN, "A")
    authenticate(world.parts, made.key)
    asked: list[str] = []

    @event.listens_for(world.parts.database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    authenticate(world.parts, made.key)
    assert [each.split()[0] for each in asked if not each.startswith("BEGIN")] == ["SELECT"]
