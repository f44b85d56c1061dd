"""Nothing of what must stay hidden is in the log or in an answer: planted secrets and texts are looked for."""

from __future__ import annotations

import io

from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE

SECRET, TEXT, MAIL = "canary-password-51c9", "canary-title-77ab", "canary-mail@example.com"


def test_neither_secrets_nor_texts_reach_the_log(api: Api, log: io.StringIO) -> None:
    backend = api.as_("backend")
    answers = [
        backend.put("/v1/users/carol", {"email": MAIL, "name": TEXT, "shoe": SECRET}),
        backend.put("/v1/users/carol", {"name": f"{TEXT}\n"}),
        backend.call("PUT", "/v1/users/carol", data=f'{{"name": "{SECRET}', content_type="application/json"),
        backend.post(
            "/v1/integrations",
            {"user_id": ALICE, "service": "memory", "account": {"username": "stranger", "password": SECRET}},
        ),
        backend.post(
            "/v1/integrations",
            {"user_id": ALICE, "service": "memory", "account": {"username": ALICE, "password": SECRET}},
        ),
        backend.get(f"/v1/users?cursor={SECRET}"),
        api.with_key(SECRET).get("/v1/users"),
    ]
    api.world.integration_id = answers[4].json["id"]
    backend.patch(f"/v1/integrations/{api.world.integration_id}", {"calendar_id": "main", "active": True})
    api.world.put("visit", title=TEXT, start={"date": "2027-01-05"}, end={"date": "2027-01-06"})
    api.world.sync(send=(None, None))
    with api.world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE checks")
    broken = backend.put(
        f"/v1/integrations/{api.world.integration_id}/account", {"username": ALICE, "password": SECRET}
    )
    assert broken.status_code >= 500
    told = log.getvalue()
    assert len(told.splitlines()) >= 5
    for canary in (SECRET, TEXT, MAIL):
        assert canary not in told
    for answer in [*answers, broken]:
        assert SECRET not in answer.text
    for key in api.keys.values():
        assert key not in told
