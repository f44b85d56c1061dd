"""Several at the same time, on both databases: each state, each word and each person counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from calbridge.errors import Refused
from calbridge.service import consenting, revoking
from tests.e2e.databases import postgresql

from .browser import Shown
from .conftest import ALICE, ALLOW, TENANT, Opens, World

TRIES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, open_world: Opens) -> Iterator[World]:
    """An installation on either database."""
    if request.param == "sqlite":
        yield open_world()
        return
    with postgresql() as url:
        found = open_world(url)
        yield found
        found.stack.close()


def cookies_of(world: World) -> dict[str, str]:
    return {each.name: str(each.value) for each in world.browser.session.cookies}


def at_once(acts: list[Callable[[], object]]) -> list[str]:
    """What came of acts that begin together."""
    barrier = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        barrier.wait(30)
        try:
            act()
        except Refused as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def answering(world: World, question: Shown) -> Callable[[], object]:
    fields, cookies = question.forms[0].fields, cookies_of(world)
    return lambda: consenting.answer(world.parts, fields["state"], cookies, fields["confirmation"], connects=True)


def test_of_several_words_on_one_question_one_counts(world: World) -> None:
    question = world.asked(world.add())
    assert at_once([answering(world, question)] * TRIES) == ["done", *["sign_in_expired"] * (TRIES - 1)]
    assert world.google.count("token") == 1


def test_of_several_browsers_that_come_back_with_one_state_one_goes_on(world: World) -> None:
    integration = world.add()
    address = world.address(integration)
    world.browser.open(address)
    state = address.partition("?state=")[2]
    consent = world.browser.follow(world.browser.open(address))
    code = world.google.sign_in(consent.url).partition("code=")[2].partition("&")[0].replace("%2F", "/")

    def back() -> object:
        return consenting.come_back(world.parts, state, cookies_of(world), code=code, error=None)

    assert at_once([back] * TRIES) == ["done", *["sign_in_expired"] * (TRIES - 1)]
    assert world.google.count("token") == 1
    assert consenting.question(world.parts, state, cookies_of(world)).address == world.google.user


def test_a_person_who_connects_several_integrations_at_once_has_one_account(world: World) -> None:
    ids = [world.add() for _ in range(TRIES)]
    acts = [answering(world, world.asked(each)) for each in ids]
    assert at_once(acts) == ["done"] * TRIES
    with world.parts.database.read(TENANT) as work:
        (account,) = work.accounts.list(ALICE)
        assert {work.integrations.require(each).account_id for each in ids} == {account.id}


def test_a_grant_is_ended_by_one_of_several_workers(world: World) -> None:
    integration = world.add()
    world.browser.submit(world.asked(integration), ("word", "connect"))
    world.call("DELETE", f"/v1/integrations/{integration}")
    ((tenant, revocation),) = revoking.revocations_due(world.parts)
    at_once([lambda: revoking.revoke(world.parts, tenant, revocation)] * TRIES)
    assert world.google.count("revoke") == 1
    assert world.google.living_grants == []


def test_the_first_page_is_opened_by_many_and_belongs_to_one(world: World) -> None:
    address = world.address(world.add())
    browsers = [world.new_browser() for _ in range(TRIES)]
    with ThreadPoolExecutor(TRIES) as pool:
        pages = list(pool.map(lambda browser: browser.open(address), browsers))
    ends = [browser.submit(browser.follow(page), ALLOW).status for browser, page in zip(browsers, pages, strict=True)]
    assert sorted(ends) == [200, *[403] * (TRIES - 1)]
