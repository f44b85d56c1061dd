"""The API over a real SQLite database, and callers of every kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator
from werkzeug.test import TestResponse

from calbridge.api import create_app, create_frame, install
from calbridge.api.documents import document_of
from calbridge.service import tenants, users
from calbridge.service.access import GRANTABLE, Role
from calbridge.service.keys import create_key
from calbridge.service.parts import Parts, open_parts
from calbridge.service.tokens import issue_token
from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from tests.integration.service.world import (
    ALICE,
    KEY,
    TENANT,
    MemoryDoor,
    TestClock,
    Watcher,
    World,
    fresh_memory,
    furnish,
    registry,
    settings_for,
)

OTHER_TENANT, BOB = "t2", "bob"
PLATFORM_KEY = "platform-key-of-the-tests-0123456789"


@dataclass
class Caller:
    """Calls the API with one key; every answer is held against the document."""

    client: FlaskClient
    key: str | None
    document: Mapping[str, Any]

    def call(self, method: str, path: str, body: object = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= more.pop("headers", {})
        given = {} if body is None else {"json": body}
        answer = self.client.open(path, method=method, headers=headers, **given, **more)
        answer.get_data()
        answer.close()
        self._hold(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> TestResponse:
        return self.call("POST", path, body, **more)

    def put(self, path: str, body: object = None, **more: Any) -> TestResponse:
        return self.call("PUT", path, body, **more)

    def patch(self, path: str, body: object = None, **more: Any) -> TestResponse:
        return self.call("PATCH", path, body, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)

    def _hold(self, method: str, path: str, answer: TestResponse) -> None:
        operation = self._operation(method, path)
        if operation is None:
            return
        if answer.is_json and answer.json.get("code") == "path_not_found":
            return
        told = operation["responses"].get(str(answer.status_code))
        assert told is not None, f"{method} {path} answers {answer.status_code}, which is not documented: {answer.text}"
        content = told.get("content", {})
        if not content:
            assert not answer.data
            return
        assert answer.mimetype in content
        whole = {"components": self.document["components"], **content[answer.mimetype]["schema"]}
        problems = [
            f"{each.instance_path} {each.message}"
            for each in Draft202012Validator(whole).iter_errors(answer.json if answer.is_json else answer.text)
        ]
        assert problems == [], f"{method} {path} answers what is not documented: {problems[:3]}"

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        steps = path.split("/")
        for template, methods in self.document["paths"].items():
            known = template.split("/")
            if len(known) == len(steps) and all(
                one == other or one.startswith("{") for one, other in zip(known, steps, strict=True)
            ):
                found: Mapping[str, Any] | None = methods.get(method.lower())
                return found
        return None


_documents: list[Mapping[str, Any]] = []


def the_document(app: Flask) -> Mapping[str, Any]:
    """The document, which every application makes alike: read once, as it is large."""
    if not _documents:
        _documents.append(json.loads(document_of(app)))
    return _documents[0]


def caller_of(parts: Parts, tenant: str = TENANT) -> Caller:
    """Who calls an application of its own over these parts with a new backend key."""
    app = create_app(parts)
    key = create_key(parts, tenant, Role.BACKEND, "caller").key
    return Caller(app.test_client(), key, the_document(app))


@dataclass
class Api:
    """The application with a tenant, its user alice, and a second tenant with bob."""

    app: Flask
    world: World
    keys: dict[str, str] = field(default_factory=dict)

    def as_(self, who: str) -> Caller:
        """``platform``, ``admin``, ``backend``, ``user``, the same after ``other``, or ``nobody``."""
        return self.with_key(None if who == "nobody" else self.key_of(who))

    def with_key(self, key: str | None) -> Caller:
        return Caller(self.app.test_client(), key, the_document(self.app))

    def key_of(self, who: str) -> str:
        """The key, or for ``user`` and ``other user`` a fresh token of alice and bob with all scopes."""
        if who.endswith("user"):
            tenant, user = (OTHER_TENANT, BOB) if who.startswith("other") else (TENANT, ALICE)
            return issue_token(self.world.parts, tenant, user, scopes=GRANTABLE).token
        return self.keys[who]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "calbridge.db"
    database = Database(f"sqlite:///{path}", SecretBox([KEY]))
    upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def frame() -> Flask:
    """All operations, to be installed over the parts of one test after another."""
    return create_frame()


@pytest.fixture
def api(tmp_path: Path, migrated: Path, frame: Flask) -> Iterator[Api]:
    """The API, called in-process."""
    shutil.copy(migrated, tmp_path / "calbridge.db")
    memory, watcher, clock = fresh_memory(), Watcher(), TestClock()
    MemoryDoor.services[ALICE] = memory
    MemoryDoor.services[BOB] = fresh_memory()
    settings = settings_for(tmp_path, CALBRIDGE_PLATFORM_KEY=PLATFORM_KEY, CALBRIDGE_SANDBOX="1")
    with open_parts(settings, registry=registry(watcher), clock=clock, random=Random(7)) as parts:
        furnish(parts)
        tenants.create_tenant(parts, OTHER_TENANT, "Other")
        users.put_user(parts, OTHER_TENANT, BOB, email="bob@example.com")
        install(frame, parts)
        made = Api(frame, World(parts, clock, memory, watcher), {"platform": PLATFORM_KEY})
        for name, tenant in (("", TENANT), ("other ", OTHER_TENANT)):
            for role in (Role.ADMIN, Role.BACKEND):
                made.keys[f"{name}{role.value}"] = create_key(parts, tenant, role, "test").key
        yield made
    MemoryDoor.services.clear()
