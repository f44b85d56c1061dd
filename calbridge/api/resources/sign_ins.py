"""Signing in at a service's own page: its beginning through the API, and our pages around it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.own import own_integration
from calbridge.api.pages import LONGEST, given, needed, page, redirected, shown
from calbridge.api.schemas import AnswerSchema, BodySchema, moment
from calbridge.errors import Refused
from calbridge.service import authorizing, consenting
from calbridge.service.access import Scope
from calbridge.service.authorizing import LIFETIME
from calbridge.service.parts import Parts
from calbridge.service.views import to_json

blueprint = Blueprint("sign-in", "Signing in at a calendar service's own page, where it wants no password.")
COOKIE_SECONDS = 2 * LIFETIME // timedelta(seconds=1)
"""The service's page and the question after it have their time each."""
STATE = {
    "name": "state",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "description": "Names the sign-in; good once.",
}
WORDS = ["connect", "cancel"]
LONGEST_CODE = 4000
_OPTIONAL = {"type": "string"}
ANSWER_FORM = {
    "type": "object",
    "required": ["state", "confirmation", "word"],
    "properties": {
        "state": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        "confirmation": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        "word": {"type": "string", "enum": WORDS},
    },
}
ANSWER_EXAMPLE = {"state": "q3YxT0f6n8Zk", "confirmation": "b1Ls9Vw2mQeR", "word": "connect"}


class AuthorizationBody(BodySchema):
    """How the sign-in ends."""

    return_to = fields.Str(
        allow_none=True,
        validate=validate.Length(1, 2000),
        metadata={"description": "Where the browser goes when it is connected; its origin must be allowed."},
    )
    relink = fields.Bool(
        truthy={True},
        falsy={False},
        metadata={
            "description": "Allow the account of somebody else; the calendar of the one before is not linked any more."
        },
    )


class AuthorizationSchema(AnswerSchema):
    """Where the user signs in."""

    authorize_url = fields.Str(
        required=True, metadata={"format": "uri", "description": "Open it in the user's browser, as a page of its own."}
    )
    expires_at = moment("Until when it can be opened.", required=True)


AUTHORIZATION = {
    "authorize_url": "https://calbridge.example.com/v1/oauth/sign-in?state=q3YxT0f6n8Zk",
    "expires_at": "2027-01-04T08:15:00Z",
}


@blueprint.route("/integrations/<id:integration_id>/authorization")
class IntegrationAuthorization(MethodView):
    """Signing in without a password."""

    @operation(
        Scope.INTEGRATIONS,
        Gives(200, AuthorizationSchema, AUTHORIZATION),
        takes=Takes(AuthorizationBody, {"return_to": "https://psa.example.com/calendar"}),
        refuses=[
            "integration_not_found",
            "password_needed",
            "public_url_missing",
            "public_url_insecure",
            "app_not_registered",
            "return_not_allowed",
            "service_not_allowed",
        ],
    )
    def post(self, here: Here, integration_id: str, body: dict[str, Any]) -> Any:
        """Begin to sign in

        Answers the address of a page of calbridge, which leads on to the service's own. Good for 10 minutes and for one
        sign-in, in the browser that opens it. The integration is connected after somebody confirmed whose account goes
        to whom; until then nothing of it changes.
        """
        own_integration(here, integration_id)
        return to_json(authorizing.authorize(here.parts, here.tenant, integration_id, **body))


@blueprint.route("/oauth/sign-in")
class SignIn(MethodView):
    """The first page."""

    @page(
        {200: "Who is going to be connected to which service; leads on to it."},
        query=[STATE],
        refuses=["sign_in_expired", "app_not_registered"],
    )
    def get(self, parts: Parts) -> Response:
        """Page: begin to sign in

        For the user's browser. Sets the cookie that must come back with the state.
        """
        state = needed(request.args, "state")
        g.return_to = authorizing.way_back(parts, state, request.cookies)
        found = authorizing.open_page(parts, state, request.cookies)
        made = shown("sign_in.html", people=found.people, onward=found.onward)
        _set_cookie(made, state, found.cookie, COOKIE_SECONDS)
        return made


@blueprint.route("/oauth/callback")
class SignInCallback(MethodView):
    """The last page."""

    @page(
        {200: "Whose account is going to be connected to whom.", 303: "The same page without the service's code."},
        query=[
            STATE,
            {"name": "code", "schema": _OPTIONAL | {"maxLength": LONGEST_CODE}, "description": "Of the service."},
            {"name": "error", "schema": _OPTIONAL | {"maxLength": LONGEST}, "description": "Of the service."},
        ],
        refuses=[
            "sign_in_expired",
            "sign_in_elsewhere",
            "sign_in_denied",
            "another_account",
            "app_not_registered",
            "consent_incomplete",
            "throttled",
            "unavailable",
        ],
    )
    def get(self, parts: Parts) -> Response:
        """Page: confirm the account

        The calendar service sends the user's browser here. What else it adds to the address is not looked at.
        """
        state = needed(request.args, "state")
        code, error = given(request.args, "code", LONGEST_CODE), given(request.args, "error")
        g.return_to = authorizing.way_back(parts, state, request.cookies)
        if code or error:
            consenting.come_back(parts, state, request.cookies, code=code, error=error)
            return redirected(authorizing.question_address(parts, state))
        asked = consenting.question(parts, state, request.cookies)
        return shown(
            "question.html",
            leads_to=asked.return_to,
            people=asked.people,
            address=asked.address,
            other=asked.other,
            action=authorizing.callback(parts),
            state=state,
            confirmation=asked.confirmation,
        )

    @page(
        {200: "It is connected.", 303: "It is connected; back to return_to."},
        form=ANSWER_FORM,
        example=ANSWER_EXAMPLE,
        refuses=[
            "sign_in_expired",
            "sign_in_elsewhere",
            "sign_in_denied",
            "another_account",
            "integration_running",
        ],
    )
    def post(self, parts: Parts) -> Response:
        """Page: connect the account

        The form of the page before; with its word the account is stored, and the integration is connected and due.
        """
        state, confirmation, word = (needed(request.form, name) for name in ("state", "confirmation", "word"))
        if word not in WORDS:
            raise Refused("word can't be used", code="malformed_request")
        g.return_to = authorizing.way_back(parts, state, request.cookies)
        done = consenting.answer(parts, state, request.cookies, confirmation, connects=word == WORDS[0])
        if done.return_to:
            made = redirected(done.return_to)
        else:
            made = shown("connected.html", people=done.people, address=done.address)
        _set_cookie(made, state, "", 0)
        return made


def _set_cookie(response: Response, state: str, value: str, seconds: int) -> None:
    response.set_cookie(
        authorizing.cookie_name(state),
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )
