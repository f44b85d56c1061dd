"""Failure mails: sent to whom administrators named, once per outage and once when it is over (SYNC D12)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

from calbridge.connectors.transport import backoff
from calbridge.errors import MailFailed, SettingsInvalid
from calbridge.log import bound, get_logger
from calbridge.service.failure_mail import Letter, compose
from calbridge.service.mailing import OF_SERVER, Mailer, connected, mail_server
from calbridge.service.parts import Parts
from calbridge.service.tenant_settings import failure_recipients, settings_of_tenant
from calbridge.store.notices import WEBHOOK, Notice
from calbridge.store.notices import notices_due as due_now
from calbridge.store.work import Work

LIFE = timedelta(days=2)
"""How long a mail is tried."""
CLAIM = timedelta(minutes=10)
"""For how long nobody else sends a mail that somebody has begun with."""
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
"""Seconds between tries."""
AT_ONCE = 200
SKIPPED = "skipped"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """``skipped``: nobody wants them, or no mail server is configured; ``left``: more are due now."""

    sent: int
    failed: int
    skipped: int
    left: bool


@dataclass(frozen=True, slots=True)
class _Mail:
    notice: Notice
    message: EmailMessage = field(repr=False)
    recipients: Sequence[str] = field(repr=False)


def notices_due(parts: Parts) -> int:
    """How many mails may be sent now, at most 200."""
    with parts.database.system_read() as system:
        return len(due_now(system.connection, system.now, AT_ONCE))


def send_notices(parts: Parts, budget_seconds: float) -> NoticeReport:
    """Send what is due for at most so long. Any number may do so at the same time. Raises DatabaseUnusable.

    A mail that could not be sent is tried again for two days; a mail server that is down is asked once, not for every
    mail.
    """
    until = time.monotonic() + budget_seconds
    sent = failed = skipped = 0
    with parts.database.system_read() as system:
        due = due_now(system.connection, system.now, AT_ONCE)
    with ExitStack() as stack:
        post = _Post(parts, stack)
        for tenant, notice_id in due:
            if time.monotonic() >= until:
                return NoticeReport(sent, failed, skipped, left=True)
            with bound(tenant=tenant, notice=notice_id):
                mail = _claimed(parts, tenant, notice_id)
                if mail is SKIPPED:
                    skipped += 1
                elif isinstance(mail, _Mail):
                    done = _sent(parts, tenant, mail, post)
                    sent, failed = sent + done, failed + (not done)
    return NoticeReport(sent, failed, skipped, left=len(due) == AT_ONCE)


@dataclass(slots=True)
class _Post:
    """The mail server, connected to with the first mail; what it failed with is not tried again in this turn."""

    parts: Parts
    stack: ExitStack
    mailer: Mailer | None = None
    broken: MailFailed | None = None

    def send(self, mail: _Mail) -> int:
        """How many recipients were refused. Raises MailFailed."""
        if self.broken is not None:
            raise self.broken
        try:
            if self.mailer is None:
                server = mail_server(self.parts.settings.smtp_url or "")
                self.mailer = self.stack.enter_context(connected(server))
            return self.mailer.send(mail.message, self.parts.settings.mail_from, mail.recipients)
        except SettingsInvalid as error:
            self.broken = MailFailed(code="mail_unreachable")
            raise self.broken from error
        except MailFailed as error:
            if error.code in OF_SERVER:
                self.broken = error
            raise


def _claimed(parts: Parts, tenant: str, notice_id: str) -> _Mail | str | None:
    """The mail to send, SKIPPED where nobody is to get it, None where it is not for us to send now."""
    with parts.database.write(tenant) as work:
        notice = work.notices.claim(notice_id, work.now + CLAIM)
        if notice is None:
            return None
        earlier = work.notices.before(notice) if notice.integration_id is not None else None
        if earlier is not None:
            # Of the outage first, then of its end.
            work.notices.postpone(notice_id, max(earlier.next_at or work.now, work.now), notice.attempts)
            return None
        letter, recipients = _addressed(parts, work, notice)
        if letter is None or not recipients or parts.settings.smtp_url is None:
            work.notices.finish(notice_id, SKIPPED, notice.attempts)
            return SKIPPED
        return _Mail(notice, compose(letter, parts.settings.mail_from, recipients, notice.id), recipients)


def _addressed(parts: Parts, work: Work, notice: Notice) -> tuple[Letter | None, Sequence[str]]:
    """The letter and who gets it, by what is set now; no letter where what it is about is not there any more."""
    tenant = work.settings.get()
    at = notice.created_at or work.now
    facts = (notice.kind, notice.code, notice.since, at, tenant.name or tenant.id)
    if notice.kind == WEBHOOK:
        hook = work.webhooks.get(str(notice.facts.get("webhook")))
        if hook is None:
            return None, ()
        host = urlsplit(hook.url).hostname or ""
        return Letter(*facts, host, [hook.id], parts.settings.public_url), settings_of_tenant(work).notify_failure_to
    integration = work.integrations.get(notice.integration_id or "")
    if integration is None:
        return None, ()
    user = work.users.get(integration.user_id)
    name = f"{user.name} ({integration.user_id})" if user and user.name else integration.user_id
    # One outage of an account is one mail, to all who are to know of one of its integrations.
    mates = work.integrations.list(account_id=integration.account_id) if integration.account_id else [integration]
    recipients = dict.fromkeys(address for each in mates for address in failure_recipients(work, each))
    about = f"{name} with {_title(parts, integration.service)}"
    return Letter(*facts, about, [integration.id], parts.settings.public_url), tuple(recipients)


def _title(parts: Parts, service: str) -> str:
    titles = {each.name: each.title for spec in parts.registry.specs for each in spec.services}
    return titles.get(service, service)


def _sent(parts: Parts, tenant: str, mail: _Mail, post: _Post) -> bool:
    notice, attempts = mail.notice, mail.notice.attempts + 1
    try:
        refused = post.send(mail)
    except MailFailed as error:
        log.warning("mail_failed", code=error.code, status=error.facts.get("status"), attempts=attempts)
        with parts.database.write(tenant) as work:
            _postpone(parts, work, notice, attempts)
        return False
    with parts.database.write(tenant) as work:
        work.notices.finish(notice.id, "sent", attempts)
    log.info("mail_sent", kind=notice.kind, code=notice.code, recipients=len(mail.recipients), refused=refused)
    return True


def _postpone(parts: Parts, work: Work, notice: Notice, attempts: int) -> None:
    if work.now - (notice.created_at or work.now) >= LIFE:
        work.notices.finish(notice.id, "failed", attempts)
        return
    pause = backoff(attempts - 1, base=FIRST_PAUSE, cap=LONGEST_PAUSE, random=parts.random.random)
    work.notices.postpone(notice.id, work.now + timedelta(seconds=pause), attempts)
