"""One turn of delivering to a webhook: claimed, sent in waves, and stored message by message.

The order for each item and integration is kept because only one delivers to a webhook at a time, and sends of each
subject one message after the other. A message is marked after it was sent, so one that was sent by somebody who died
before is sent again, under the same id.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field

from calbridge.connectors.transport import Transport
from calbridge.errors import DatabaseUnusable, SecretUnreadable
from calbridge.log import get_logger
from calbridge.service.delivery_rules import BROKEN_AFTER, Answer, Health, Outcome, after_failure
from calbridge.service.leasing import new_owner
from calbridge.service.parts import Parts
from calbridge.service.webhook_messages import Message, messages, send, told
from calbridge.service.webhook_views import DeliveryReport
from calbridge.store.deliveries import Delivery
from calbridge.store.notices import WEBHOOK
from calbridge.store.webhooks import Webhook
from calbridge.store.work import Work

WAVE = 50
"""Messages that are made at once."""
PARALLEL = 4
"""Messages to one webhook under way, each of another item or integration."""

log = get_logger(__name__)


@dataclass(slots=True)
class _Wave:
    """Messages of different subjects, and where they go."""

    hook: Webhook
    secrets: Sequence[str] = field(repr=False)
    messages: list[Message] = field(repr=False)


@dataclass(slots=True)
class Turn:
    """One who delivers to one webhook; ``until`` on the monotonic clock."""

    parts: Parts
    tenant: str
    webhook_id: str
    until: float
    owner: str = field(default_factory=new_owner)
    kept: float = 0.0
    """When the claim was last extended, on the monotonic clock."""
    stop: threading.Event = field(default_factory=threading.Event)
    delivered: int = 0
    failed: int = 0

    def report(self, *, left: bool) -> DeliveryReport:
        """What was done so far."""
        return DeliveryReport(self.delivered, self.failed, left)

    def take(self) -> DeliveryReport:
        """Deliver while there is something, unless somebody else does. Raises LeaseLost, DatabaseUnusable."""
        wave = self._next_wave(first=True)
        if wave is None:
            return self.report(left=False)
        try:
            with self.parts.transport_factory(self.tenant) as transport, ThreadPoolExecutor(PARALLEL) as pool:
                while wave is not None:
                    self._send_all(transport, pool, wave)
                    wave = self._next_wave()
        except BaseException:
            self.stop.set()
            self._release()
            raise
        with self.parts.database.read(self.tenant) as work:
            hook = work.webhooks.get(self.webhook_id)
            rests = hook is None or not hook.active or (hook.not_before is not None and hook.not_before > work.now)
            return self.report(left=not rests and work.deliveries.due(self.webhook_id))

    def _next_wave(self, *, first: bool = False) -> _Wave | None:
        """What may be sent now; None, and the webhook given back in the same transaction, where there is nothing."""
        begun = time.monotonic()
        with self.parts.database.write(self.tenant) as work:
            hook = work.webhooks.get(self.webhook_id, lock=True)
            seconds = self.parts.settings.lease_seconds
            if hook is None or (first and not work.webhooks.claim(self.webhook_id, self.owner, seconds)):
                return None
            wave = None if begun >= self.until else self._wave(work, hook)
            if wave is None:
                work.webhooks.release(self.webhook_id, self.owner)
            elif not first:
                work.webhooks.keep(self.webhook_id, self.owner, seconds)
        self.kept = begun
        return wave

    def _wave(self, work: Work, hook: Webhook) -> _Wave | None:
        if not hook.active or (hook.not_before is not None and hook.not_before > work.now):
            return None
        # What fails is tried by one message, not by all of them.
        heads = work.deliveries.heads(hook.id, WAVE if hook.failing_since is None else 1)
        if not heads:
            work.deliveries.park(hook.id)
            return None
        try:
            secrets = work.webhooks.secrets(hook.id)
        except SecretUnreadable as error:
            log.error("webhook_secret_unreadable", exc_info=error)
            secrets = []
        return _Wave(hook, secrets, messages(work, heads))

    def _send_all(self, transport: Transport, pool: ThreadPoolExecutor, wave: _Wave) -> None:
        health = Health(wave.hook.failing_since, wave.hook.tries, wave.hook.not_before)
        self.stop.clear()
        sends: dict[Future[Answer | None], Delivery] = {
            pool.submit(self._send, transport, wave, message): message.delivery for message in wave.messages
        }
        try:
            for done in as_completed(sends):
                answer = done.result()
                if answer is not None:
                    health = self._mark(wave.hook, sends[done], answer, health)
        finally:
            self.stop.set()

    def _send(self, transport: Transport, wave: _Wave, message: Message) -> Answer | None:
        """None where it was not begun: the time is over, or there is no more certainty that we may."""
        timeout = self.parts.settings.request_timeout
        now = time.monotonic()
        if self.stop.is_set() or now >= self.until or now - self.kept + timeout >= self.parts.settings.lease_seconds:
            return None
        if not wave.secrets:
            return Answer(code="secret_unreadable")
        return send(transport, wave.hook.url, wave.secrets, message, self.parts.clock.now())

    def _mark(self, hook: Webhook, delivery: Delivery, answer: Answer, health: Health) -> Health:
        """Store what came of one message. Raises LeaseLost: then whoever has the webhook sends it once more."""
        begun = time.monotonic()
        with self.parts.database.write(self.tenant) as work:
            if answer.good:
                self._keep(work, Health())
                _taken(work, delivery, answer, health)
                health = Health()
            else:
                health = self._failed(work, delivery, answer, health)
        self.kept = begun
        self.delivered += answer.good
        self.failed += not answer.good
        return health

    def _failed(self, work: Work, delivery: Delivery, answer: Answer, health: Health) -> Health:
        created = delivery.created_at or work.now
        outcome = after_failure(health, answer, delivery.attempts, created, work.now, self.parts.random.random)
        log.info("delivery_failed", delivery=delivery.id, status=answer.status, code=answer.failure)
        if outcome.off is None:
            self._keep(work, outcome.health)
        else:
            self._keep(work, outcome.health, active=False, reason=outcome.off)
            log.warning("webhook_switched_off", code=outcome.off, since=outcome.health.failing_since)
            work.audit.add(str(self.parts.actor), "webhook_switched_off", webhook=self.webhook_id, code=outcome.off)
            since = outcome.health.failing_since or work.now
            work.notices.add(work.keys.new_id(), WEBHOOK, outcome.off, since, webhook=self.webhook_id)
        _not_taken(work, delivery, answer, outcome)
        if outcome.off is not None or outcome.health.not_before is not None:
            self.stop.set()
        return outcome.health

    def _keep(self, work: Work, health: Health, **more: object) -> None:
        seconds = self.parts.settings.lease_seconds
        work.webhooks.keep(self.webhook_id, self.owner, seconds, **asdict(health), **more)

    def _release(self) -> None:
        # A database that is gone frees the webhook by its expiry.
        with contextlib.suppress(DatabaseUnusable), self.parts.database.write(self.tenant) as work:
            work.webhooks.release(self.webhook_id, self.owner)


def _taken(work: Work, delivery: Delivery, answer: Answer, before: Health) -> None:
    """A message was taken: what stood behind it goes on, and after an outage everything does."""
    work.deliveries.save(
        delivery.id, attempts=delivery.attempts + 1, next_at=None, finished_at=work.now, **told(answer)
    )
    if before.tries >= BROKEN_AFTER:
        work.deliveries.wake(delivery.webhook_id)
    elif delivery.attempts:
        work.deliveries.wake(delivery.webhook_id, delivery.subject)


def _not_taken(work: Work, delivery: Delivery, answer: Answer, outcome: Outcome) -> None:
    """A message was not taken: it and what stands behind it rest, or it is given up and the next one's turn comes."""
    attempts = delivery.attempts + 1
    if outcome.next_at is None:
        work.deliveries.save(delivery.id, attempts=attempts, next_at=None, finished_at=work.now, **told(answer))
        work.deliveries.wake(delivery.webhook_id, delivery.subject)
    else:
        work.deliveries.save(delivery.id, attempts=attempts, answered=answer.status, code=answer.failure)
        work.deliveries.rest(delivery.webhook_id, delivery.subject, outcome.next_at)
