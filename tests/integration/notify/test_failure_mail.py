"""Administrators are mailed once when a calendar stops and once when it works again, whatever the mail server does."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from calbridge.errors import MailFailed, Unavailable
from calbridge.service import accounts, integrations, users, webhooks
from calbridge.service.deliveries import deliver
from calbridge.service.mailing import connected, mail_server
from calbridge.service.notices import NoticeReport, notices_due, send_notices
from calbridge.service.tenant_settings import change_settings
from calbridge.service.tick import tick
from calbridge.store.tables import notices
from tests.doubles.caldav.certificate import server_context
from tests.integration.notify.conftest import opened_world
from tests.integration.notify.post import PASSWORD, QUOTED, Post
from tests.integration.notify.receiver import Receiver, hook, status
from tests.integration.service.world import ALICE, TENANT, World

Opening = Callable[..., World]
MECHANISMS = 2
"""Ways to sign in that the server offers; a refused password is offered by each once."""


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A mail server that wants STARTTLS and a login."""
    post = Post(server_context(tmp_path, []), password=PASSWORD)
    post.start()
    yield post
    post.stop()


def address(tmp_path: Path, post: Post, scheme: str = "smtp", login: str = QUOTED) -> str:
    return f"{scheme}://{login}@localhost:{post.port}?ca_file={tmp_path / 'ca.pem'}"


@pytest.fixture
def opening(tmp_path: Path, sqlite_template: Path) -> Iterator[Opening]:
    """Opens the installation with a mail server; the tenant's people are to be told."""
    path = tmp_path / "calbridge.db"
    shutil.copyfile(sqlite_template, path)
    with ExitStack() as stack:

        def opened(smtp_url: str | None, to: object = "ops@example.com; boss@example.com") -> World:
            more = {"CALBRIDGE_MAIL_FROM": "calbridge@example.com", "CALBRIDGE_PUBLIC_URL": "https://sync.example.com"}
            if smtp_url is not None:
                more["CALBRIDGE_SMTP_URL"] = smtp_url
            world = stack.enter_context(opened_world(tmp_path, f"sqlite:///{path}", **more))
            change_settings(world.parts, TENANT, {"notify_failure_to": to})
            world.connect(settings={"notify_failure_to": ["team@example.com", "ops@example.com"]})
            world.sync()
            return world

        yield opened


@pytest.fixture
def mailed(opening: Opening, tmp_path: Path, post: Post) -> World:
    """An installation that mails through ``post``."""
    return opening(address(tmp_path, post))


def stop_it(world: World) -> None:
    """An outage that people are told of at once."""
    world.memory.refuse_sign_in(confirmed=True)
    world.sync()


def mend_it(world: World) -> None:
    world.memory.accept_sign_in()
    accounts.put_account(world.parts, TENANT, world.integration_id, {"username": ALICE, "password": "new"})


def send(world: World) -> NoticeReport:
    return send_notices(world.parts, 30)


def stored(world: World) -> list[str]:
    with world.parts.database.connect(writes=False) as connection:
        return list(connection.scalars(select(notices.c.status).order_by(notices.c.created_at, notices.c.id)))


def test_an_outage_and_its_end_are_one_mail_each(mailed: World, post: Post) -> None:
    users.put_user(mailed.parts, TENANT, ALICE, name="Alice <b>Example</b>")
    stop_it(mailed)
    assert notices_due(mailed.parts) == 1
    assert send(mailed) == NoticeReport(1, 0, 0, left=False)
    for _ in range(3):
        mailed.clock.advance(hours=1)
        tick(mailed.parts)
    assert send(mailed) == NoticeReport(0, 0, 0, left=False)
    (mail,) = post.mails
    assert mail.sender == "calbridge@example.com"
    assert sorted(mail.recipients) == ["boss@example.com", "ops@example.com", "team@example.com"]
    message = mail.message
    assert post.subjects[0] == "[calbridge] Calendar sync of Alice <b>Example</b> (alice) with Memory stopped"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == mailed.clock.moment.replace(hour=8)
    for kind in ("plain", "html"):
        part = mail.part(kind)
        for told in (
            "The calendar service refused the user name or the password.",
            "2027-01-04 08:00 UTC",
            "Sign in again with the current password",
            "https://sync.example.com",
            "sign_in_required",
            mailed.integration_id,
            "Tenant",
        ):
            assert told in part
    assert "Alice &lt;b&gt;Example&lt;/b&gt;" in mail.part("html")
    mend_it(mailed)
    mailed.sync()
    assert send(mailed).sent == 1
    mailed.sync()
    assert send(mailed).sent == 0
    assert post.subjects[1] == "[calbridge] Calendar sync of Alice <b>Example</b> (alice) with Memory works again"
    assert "Since: 2027-01-04 08:00 UTC" in post.mails[1].part("plain")
    assert "Until: 2027-01-04 11:00 UTC" in post.mails[1].part("plain")
    assert stored(mailed) == ["sent", "sent"]


def test_a_long_outage_ends_by_itself_and_the_round_mails_both(mailed: World, post: Post) -> None:
    def down(point: str) -> None:
        raise Unavailable(code="host_unreachable")

    mailed.memory.io.hooks.append(down)
    began = mailed.clock.now()
    for _ in range(30):
        tick(mailed.parts)
        mailed.clock.advance(minutes=3)
    mailed.memory.io.clear()
    mailed.clock.advance(minutes=20)
    report = tick(mailed.parts)
    assert report.mailed == 1
    assert len(post.mails) == 2
    first, last = (each.part("plain") for each in post.mails)
    assert "No server can be reached at this address." in first
    assert f"Since: {began:%Y-%m-%d}" in first
    assert "What was wrong: No server can be reached at this address." in last


def test_an_outage_shorter_than_the_window_mails_nobody(mailed: World, post: Post) -> None:
    mailed.memory.io.fail("changes.before", Unavailable(code="host_unreachable"))
    mailed.sync()
    mailed.clock.advance(minutes=2)
    tick(mailed.parts)
    assert stored(mailed) == []
    assert post.mails == []


def test_a_calendar_that_is_gone_is_an_outage_of_its_own(mailed: World, post: Post) -> None:
    """What else hangs on the account goes on, and ends nothing when it does."""
    first = mailed.integration_id
    mailed.connect(calendar_id="second")
    mailed.sync()
    mailed.memory.drop_calendar()
    mailed.integration_id, second = first, mailed.integration_id
    mailed.sync()
    mailed.integration_id = second
    mailed.clock.advance(minutes=20)
    mailed.sync()
    for _ in range(3):
        tick(mailed.parts)
        mailed.clock.advance(minutes=20)
    assert len(post.mails) == 1
    assert first in post.mails[0].part("plain")
    accounts.check_account(mailed.parts, TENANT, first)
    assert integrations.get_integration(mailed.parts, TENANT, first).status == "not_connected"
    mailed.memory.state.calendars["main"].present = True
    tick(mailed.parts)
    assert [each.rpartition(" ")[2] for each in post.subjects] == ["stopped", "again"]
    assert first in post.mails[1].part("plain")


def test_who_signs_in_anew_elsewhere_ends_the_outage_of_the_account_for_those_who_were_told(
    mailed: World, post: Post
) -> None:
    first = mailed.integration_id
    stop_it(mailed)
    mailed.memory.accept_sign_in()
    mailed.connect(calendar_id="second")
    mailed.sync()
    tick(mailed.parts)
    assert [each.rpartition(" ")[2] for each in post.subjects] == ["stopped", "again"]
    assert integrations.get_integration(mailed.parts, TENANT, first).status == "connected"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd knows STARTTLS alone
def test_mail_goes_by_tls_from_the_first_byte_where_the_address_says_so(opening: Opening, tmp_path: Path) -> None:
    post = Post(server_context(tmp_path, []), implicit=True, password=PASSWORD)
    post.start()
    try:
        world = opening(address(tmp_path, post, "smtps"))
        stop_it(world)
        assert send(world).sent == 1
    finally:
        post.stop()
    assert (len(post.mails), post.logins) == (1, 1)


def test_a_server_whose_certificate_nobody_vouches_for_is_sent_nothing(opening: Opening, post: Post) -> None:
    world = opening(f"smtp://{QUOTED}@localhost:{post.port}")
    stop_it(world)
    assert send(world) == NoticeReport(0, 1, 0, left=False)
    assert (post.mails, post.logins) == ([], 0)


@pytest.mark.parametrize("login", [QUOTED + "@", ""])
def test_without_encryption_no_password_is_sent_and_a_mail_only_if_nobody_insists(opening: Opening, login: str) -> None:
    post = Post()
    post.start()
    try:
        url = f"smtp://{login}127.0.0.1:{post.port}"
        world = opening(url)
        stop_it(world)
        assert send(world).sent == (not login)
        with pytest.raises(MailFailed) as refused, connected(mail_server(f"{url}?starttls=required")):
            pass
        assert refused.value.code == "mail_unencrypted"
    finally:
        post.stop()
    assert post.logins == 0


def test_a_refused_login_is_tried_again_with_pauses_and_loses_no_mail(
    opening: Opening, tmp_path: Path, post: Post
) -> None:
    world = opening(address(tmp_path, post, login="calbridge:wrong"))
    stop_it(world)
    tries = 0
    for _ in range(12 * 60):
        tries += send(world).failed
        world.clock.advance(minutes=1)
    assert 10 < tries < 30
    assert post.logins == MECHANISMS * tries
    post.password = "wrong"
    world.clock.advance(hours=1)
    assert send(world).sent == 1


def test_a_mail_server_that_was_down_gets_everything_in_its_order_when_it_is_back(mailed: World, post: Post) -> None:
    post.stop()
    stop_it(mailed)
    assert send(mailed).failed == 1
    mailed.clock.advance(minutes=10)
    mend_it(mailed)
    mailed.clock.advance(seconds=1)
    assert send(mailed).sent == 0
    post.start()
    for _ in range(3):
        mailed.clock.advance(hours=1)
        send(mailed)
    assert [each.rpartition(" ")[2] for each in post.subjects] == ["stopped", "again"]
    ids = [each.message["Message-ID"] for each in post.mails]
    assert len(set(ids)) == 2


def test_a_mail_server_that_is_down_is_asked_once_not_for_every_mail(mailed: World, post: Post) -> None:
    with mailed.parts.database.write(TENANT) as work:
        for number in range(20):
            work.notices.add(f"n{number}", "outage", "timed_out", work.now, mailed.integration_id)
    post.stop()
    post.password = "another"
    post.start()
    assert send(mailed) == NoticeReport(0, 20, 0, left=False)
    assert post.logins == MECHANISMS


def test_after_two_days_a_mail_is_given_up(mailed: World, post: Post) -> None:
    stop_it(mailed)
    post.stop()
    for _ in range(60):
        send(mailed)
        mailed.clock.advance(hours=1)
    post.start()
    assert stored(mailed) == ["failed"]
    assert notices_due(mailed.parts) == 0


def test_one_bad_recipient_does_not_keep_the_mail_from_the_others(mailed: World, post: Post) -> None:
    post.refuse = lambda recipient: "550 unknown" if recipient == "boss@example.com" else None
    stop_it(mailed)
    assert send(mailed).sent == 1
    assert sorted(post.mails[0].recipients) == ["ops@example.com", "team@example.com"]


def test_a_mail_that_nobody_may_get_now_is_tried_later_and_others_go_on(mailed: World, post: Post) -> None:
    """Grey-listing: the first try is refused for a while."""
    post.refuse = lambda recipient: "451 come back later"
    stop_it(mailed)
    assert send(mailed) == NoticeReport(0, 1, 0, left=False)
    post.refuse = lambda recipient: None
    assert send(mailed).sent == 0
    mailed.clock.advance(minutes=5)
    assert send(mailed).sent == 1


@pytest.mark.parametrize(("to", "own"), [(None, None), ([], [])])
def test_where_nobody_wants_to_know_nothing_is_sent(
    opening: Opening, tmp_path: Path, post: Post, to: object, own: object
) -> None:
    world = opening(address(tmp_path, post), to)
    integrations.change_integration(world.parts, TENANT, world.integration_id, settings={"notify_failure_to": own})
    stop_it(world)
    assert send(world) == NoticeReport(0, 0, 1, left=False)
    change_settings(world.parts, TENANT, {"notify_failure_to": "late@example.com"})
    assert send(world) == NoticeReport(0, 0, 0, left=False)
    assert post.mails == []


def test_without_a_mail_server_what_is_over_is_not_mailed_later(opening: Opening) -> None:
    world = opening(None)
    stop_it(world)
    assert send(world) == NoticeReport(0, 0, 1, left=False)
    assert stored(world) == ["skipped"]


def test_an_integration_that_was_deleted_mails_nobody(mailed: World, post: Post) -> None:
    stop_it(mailed)
    integrations.delete_integration(mailed.parts, TENANT, mailed.integration_id)
    assert send(mailed).sent == 0
    assert post.mails == []


def test_any_number_may_send_and_every_mail_goes_once(mailed: World, post: Post) -> None:
    with mailed.parts.database.write(TENANT) as work:
        for number in range(20):
            work.notices.add(f"n{number}", "outage", "timed_out", work.now, mailed.integration_id)
    senders = [threading.Thread(target=send, args=(mailed,)) for _ in range(3)]
    for each in senders:
        each.start()
    for each in senders:
        each.join(60)
    assert len({each.message["Message-ID"] for each in post.mails}) == len(post.mails) == 20


def test_a_mail_whose_sender_died_is_sent_by_somebody_else_after_a_while(mailed: World, post: Post) -> None:
    stop_it(mailed)
    with mailed.parts.database.write(TENANT) as work:
        claimed = work.notices.claim(
            work.connection.scalar(select(notices.c.id)) or "", mailed.clock.now().replace(minute=10)
        )
        assert claimed is not None
    assert send(mailed).sent == 0
    mailed.clock.advance(minutes=11)
    assert send(mailed).sent == 1


def test_the_owner_of_a_webhook_that_is_switched_off_is_mailed(mailed: World, post: Post, receiver: Receiver) -> None:
    made = hook(mailed, receiver)
    mailed.put("call-1", title="Visit", start={"date": "2027-01-05"}, end={"date": "2027-01-06"})
    receiver.behave = status("410 Gone")
    deliver(mailed.parts, TENANT, made.id, 5)
    assert not webhooks.get_webhook(mailed.parts, TENANT, made.id).active
    assert send(mailed).sent == 1
    (mail,) = post.mails
    assert sorted(mail.recipients) == ["boss@example.com", "ops@example.com"]
    assert post.subjects[0] == "[calbridge] Webhook 127.0.0.1 was switched off"
    assert made.id in mail.part("plain")


def test_a_name_from_outside_begins_no_header_of_its_own(mailed: World, post: Post) -> None:
    with mailed.parts.database.write(TENANT) as work:
        name = "Alice\r\nBcc: thief@example.com\r\n\r\n<script>"
        work.connection.exec_driver_sql("UPDATE users SET name = ? WHERE id = ?", (name, ALICE))
    stop_it(mailed)
    assert send(mailed).sent == 1
    (mail,) = post.mails
    assert mail.message["Bcc"] is None
    assert "thief@example.com" not in mail.recipients
    assert "<script>" not in mail.part("html")
