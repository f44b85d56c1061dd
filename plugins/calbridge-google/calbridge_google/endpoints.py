"""Where Google is: its public addresses, or those that the operator set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SETTINGS: Mapping[str, str] = {
    "client_id": "OAuth client id of this installation, from the Google Cloud console.",
    "client_secret": "Secret of that client.",
    "api_url": "Root of the Calendar API in place of `https://www.googleapis.com/`.",
    "oauth_url": "Root of the pages for signing in, of tokens and user info in place of Google's own three.",
}
"""What the operator may set for this connector, and what it means."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Full addresses; ``api`` ends with a slash."""

    api: str = "https://www.googleapis.com/"
    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"
    revoke: str = "https://oauth2.googleapis.com/revoke"
    userinfo: str = "https://openidconnect.googleapis.com/v1/userinfo"


def endpoints_of(settings: Mapping[str, str]) -> Endpoints:
    """The addresses that the settings ask for."""
    public = Endpoints()
    api = settings.get("api_url") or public.api
    api = api if api.endswith("/") else f"{api}/"
    root = settings.get("oauth_url", "").rstrip("/")
    if not root:
        return Endpoints(api=api)
    return Endpoints(api, f"{root}/o/oauth2/v2/auth", f"{root}/token", f"{root}/revoke", f"{root}/v1/userinfo")
