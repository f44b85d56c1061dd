"""The private client: it alone knows google-api-python-client. Calls go out one by one or in batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from googleapiclient.discovery import build_from_document  # type: ignore[attr-defined]
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import Error, HttpError

from calbridge.errors import ConnectorError, Unavailable
from calbridge_google.carrying import CarryingHttp
from calbridge_google.limits import BATCH_PARTS
from calbridge_google.refusals import refusal_of

Resource = Mapping[str, Any]
Outcome = Resource | ConnectorError
_NONSENSE = (Error, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
"""What the library raises for an answer that is none; JSON of any depth among them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method of ``events`` or another resource. ``act`` says how its refusals are read (:mod:`.refusals`)."""

    method: str
    parameters: Mapping[str, Any]
    act: str = "read"
    if_match: str | None = None
    resource: str = "events"
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.act in ("insert", "write")


@lru_cache(maxsize=8)
def _service(root: str) -> Any:
    """The library's service at a root; static discovery, no request. It holds no connection and no secret."""
    document = json.loads(get_static_doc("calendar", "v3"))  # type: ignore[no-untyped-call]
    # The batch address is made from the root, so api_endpoint alone would leave it at Google's.
    return build_from_document({**document, "rootUrl": root}, http=_NOBODY)


@lru_cache(maxsize=32)
def _resource(root: str, name: str) -> Any:
    """One resource of a service: made anew it costs more than the call."""
    return getattr(_service(root), name)()


class _Nobody:
    def request(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("every request names its own carrier")


_NOBODY = _Nobody()


class CalendarClient:
    """Sends the calls of one account."""

    def __init__(self, root: str, http: CarryingHttp) -> None:
        self._root = root
        self._http = http

    def one(self, call: Call) -> Resource:
        """The answer to one call; empty for no content. Raises ConnectorError."""
        outcome = self._alone(call)
        if isinstance(outcome, ConnectorError):
            raise outcome
        return outcome

    def all(self, calls: Sequence[Call]) -> list[Outcome]:
        """One outcome for each call, in order; as many requests as batches are needed.

        What fails as a whole is raised where only reads were asked for, and is the outcome of each call otherwise.
        """
        found: list[Outcome] = []
        for start in range(0, len(calls), BATCH_PARTS):
            some = calls[start : start + BATCH_PARTS]
            found += [self._alone(some[0])] if len(some) == 1 else self._together(some)
        return found

    def _alone(self, call: Call) -> Outcome:
        try:
            return _object(self._request(call).execute(http=self._http, num_retries=0))
        except HttpError as error:
            return _refusal(error, call.act)
        except ConnectorError as error:
            return error
        except _NONSENSE as error:
            return _nonsense(error)

    def _together(self, calls: Sequence[Call]) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}

        def take(name: str, told: Any, error: HttpError | None) -> None:
            act = calls[int(name)].act
            outcomes[name] = _refusal(error, act) if error is not None else _object(told)

        batch = _service(self._root).new_batch_http_request(callback=take)
        for number, call in enumerate(calls):
            batch.add(self._request(call), request_id=str(number))
        whole: ConnectorError
        try:
            batch.execute(http=self._http)
            return [outcomes[str(number)] for number in range(len(calls))]
        except HttpError as error:
            whole = _refusal(error, "read")
        except ConnectorError as error:
            whole = error
        except _NONSENSE as error:
            whole = _nonsense(error)
        if not any(call.writes for call in calls):
            raise whole
        return [whole] * len(calls)

    def _request(self, call: Call) -> Any:
        resource = _resource(self._root, call.resource)
        given = dict(call.parameters) if call.body is None else {**call.parameters, "body": call.body}
        request = getattr(resource, call.method)(**given)
        request.http = self._http
        if call.if_match is not None:
            request.headers["If-Match"] = call.if_match
        return request


def _object(told: Any) -> Outcome:
    """No content is an empty object; anything but an object is nonsense."""
    if told is None or told in ("", b""):
        return {}
    return told if isinstance(told, dict) else _nonsense(None)


def _nonsense(error: Exception | None) -> ConnectorError:
    """An answer that can't be understood: the request was carried out or not."""
    kind = type(error).__name__ if error is not None else "no object"
    return Unavailable(f"a malformed answer ({kind})", code="malformed_answer", sent=True)


def _refusal(error: HttpError, act: str) -> ConnectorError:
    return refusal_of(int(error.resp.status), error.content, error.resp, act)


def is_unknown(error: ConnectorError) -> bool:
    """Whether nobody knows if a write happened: the request left, and no answer came."""
    sent = error.facts.get("sent") is True and "status" not in error.facts
    return isinstance(error, Unavailable) and sent
