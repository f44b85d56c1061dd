"""User tokens: short, of one user, void with the user."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import jwt
import pytest
from sqlalchemy import event

from calbridge.errors import Refused
from calbridge.service import tenants, tokens, user_imports, users
from calbridge.service.access import SCOPES, Role, Scope
from calbridge.service.authentication import authenticate
from calbridge.service.parts import Actor, Parts
from calbridge.store.secrets import derive
from tests.integration.service.world import ALICE, KEY, TENANT, World

OTHER_KEY = "o" * 40


def issue(world: World, **more: Any) -> str:
    return tokens.issue_token(world.parts, TENANT, ALICE, **more).token


def valid(parts: Parts, token: str) -> bool:
    with suppress(Refused):
        return authenticate(parts, token).user_id == ALICE
    return False


def claims_of(token: str) -> dict[str, Any]:
    told: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return told


def signed(claims: dict[str, Any], key: str = KEY) -> str:
    header = {"kid": derive(key, "token key id", 6).hex()}
    return jwt.encode(claims, derive(key, "user tokens"), headers=header)


def part(value: dict[str, Any]) -> str:
    """A part of a token, unsigned."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_opens_one_user_s_integrations_and_shows_the_items(world: World) -> None:
    caller = authenticate(world.parts, issue(world))
    assert (caller.role, caller.tenant, caller.user_id, caller.key_id) == (Role.USER, TENANT, ALICE, None)
    assert caller.scopes == SCOPES[Role.USER] == {Scope.INTEGRATIONS, Scope.ITEMS_READ}
    assert caller.actor == Actor("page", user=ALICE)


def test_writing_and_confirming_must_be_granted(world: World) -> None:
    made = tokens.issue_token(world.parts, TENANT, ALICE, scopes=["items:write", "integrations"])
    assert made.scopes == ("integrations", "items:read", "items:write")
    assert authenticate(world.parts, made.token).scopes == SCOPES[Role.USER] | {Scope.ITEMS_WRITE}
    assert authenticate(world.parts, issue(world, scopes=["confirm"])).scopes == SCOPES[Role.USER] | {Scope.CONFIRM}


@pytest.mark.parametrize("more", [{"scopes": ["admin"]}, {"scopes": [""]}, {"seconds": 901}, {"seconds": 0}])
def test_no_token_is_made_for_more_than_a_user_may_have(world: World, more: dict[str, Any]) -> None:
    with pytest.raises(Refused) as error:
        issue(world, **more)
    assert (error.value.code, error.value.facts["field"]) == ("invalid_value", next(iter(more)))


def test_a_token_lives_for_minutes(world: World) -> None:
    made = tokens.issue_token(world.parts, TENANT, ALICE, seconds=60)
    assert (made.expires_at - world.clock.now()).total_seconds() == 60
    world.clock.advance(seconds=59)
    assert valid(world.parts, made.token)
    world.clock.advance(seconds=1)
    assert not valid(world.parts, made.token)


def test_switching_calendar_sync_off_ends_every_token_for_good(world: World) -> None:
    token = issue(world)
    users.put_user(world.parts, TENANT, ALICE, name="Alice")
    assert valid(world.parts, token)
    users.put_user(world.parts, TENANT, ALICE, calendar_sync=False)
    assert not valid(world.parts, token)
    with pytest.raises(Refused) as error:
        issue(world)
    assert error.value.code == "calendar_sync_off"
    users.put_user(world.parts, TENANT, ALICE, calendar_sync=True)
    assert not valid(world.parts, token)
    assert valid(world.parts, issue(world))


def test_an_import_that_switches_it_off_ends_them_too(world: World) -> None:
    token = issue(world)
    user_imports.import_users(world.parts, TENANT, ["user_id,calendar_sync\n", "alice,no\n"])
    user_imports.import_users(world.parts, TENANT, ["user_id,calendar_sync\n", "alice,yes\n"])
    assert not valid(world.parts, token)


def test_a_user_who_was_made_anew_takes_no_token_of_the_former_one(world: World) -> None:
    token = issue(world)
    users.delete_user(world.parts, TENANT, ALICE)
    assert not valid(world.parts, token)
    world.clock.advance(seconds=1)
    users.put_user(world.parts, TENANT, ALICE)
    assert not valid(world.parts, token)


def test_a_deleted_tenant_s_tokens_open_nothing(world: World) -> None:
    token = issue(world)
    tenants.delete_tenant(world.parts, TENANT)
    assert not valid(world.parts, token)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "calbridge/another"),
        ("tenant", "t2"),
        ("sub", "bob"),
        ("epoch", "0.1"),
        ("exp", 1),
        *((claim, None) for claim in ("aud", "tenant", "sub", "scope", "exp", "epoch")),
    ],
)
def test_every_claim_counts(world: World, claim: str, value: object) -> None:
    claims = claims_of(issue(world))
    assert valid(world.parts, signed(claims))
    changed = claims | {claim: value} if value is not None else {k: v for k, v in claims.items() if k != claim}
    assert not valid(world.parts, signed(changed))


def test_a_token_that_we_did_not_sign_opens_nothing(world: World) -> None:
    token = issue(world)
    head, body, mark = token.split(".")
    claims = claims_of(token)
    forged = [
        f"{head}.{part(claims | {'scope': 'confirm'})}.{mark}",
        f"{part({'alg': 'none', 'kid': 'x'})}.{body}.",
        f"{head}.{body}.",
        jwt.encode(claims, "guess" * 8),
        signed(claims, OTHER_KEY),
        f"{part({'alg': 'HS256', 'kid': ['x']})}.{body}.{mark}",
        ".." * 3,
        "eyJ",
        token + "\ud800",
    ]
    assert [valid(world.parts, each) for each in forged] == [False] * len(forged)


def test_scopes_that_are_no_user_s_are_not_taken_from_a_token(world: World) -> None:
    token = signed(claims_of(issue(world)) | {"scope": "admin platform items:write"})
    assert authenticate(world.parts, token).scopes == SCOPES[Role.USER] | {Scope.ITEMS_WRITE}


def test_rotating_the_keys_ends_no_session(world: World) -> None:
    token = issue(world)
    rotated = replace(world.parts, settings=replace(world.parts.settings, secret_keys=(OTHER_KEY, KEY)))
    assert valid(rotated, token)
    fresh = tokens.issue_token(rotated, TENANT, ALICE).token
    assert not valid(world.parts, fresh)
    assert not valid(replace(rotated, settings=replace(rotated.settings, secret_keys=(OTHER_KEY,))), token)


def test_letting_a_page_in_takes_one_question(world: World) -> None:
    token = issue(world)
    asked: list[str] = []

    @event.listens_for(world.parts.database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    authenticate(world.parts, token)
    assert [each.split()[0] for each in asked if not each.startswith("BEGIN")] == ["SELECT"]


def test_a_token_of_a_user_who_is_not_there_is_not_made(world: World) -> None:
    with pytest.raises(Refused) as error:
        tokens.issue_token(world.parts, TENANT, "nobody")
    assert error.value.code == "user_not_found"
