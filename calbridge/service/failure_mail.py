"""The words of failure mails: what, since when, what to do, where. Pure; no text of an item is known here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from calbridge.catalogue import Who, describe
from calbridge.store.notices import OUTAGE, RECOVERY

_WHO = {
    Who.USER: "the user",
    Who.ADMIN: "an administrator",
    Who.RETRY: "nobody: it is tried again by itself",
    Who.DEVELOPER: "whoever wrote the program that is concerned",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail tells. ``subject_of``: the user with the service, or the webhook with its host.

    ``concerned``: ids of what is concerned. ``link``: where calbridge is, None where that is not known.
    """

    kind: str
    code: str
    since: datetime
    at: datetime
    tenant: str
    subject_of: str
    concerned: Sequence[str] = ()
    link: str | None = None


def compose(letter: Letter, sender: str, recipients: Sequence[str], message_id: str) -> EmailMessage:
    """The mail, in text and HTML. ``message_id`` is the same whenever the same mail is sent again."""
    headline, rows = _headline(letter), _rows(letter)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"[calbridge] {headline}"
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(letter.at.astimezone(UTC))
    message["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    # RFC 3834: no out-of-office answers.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(headline, rows, _closing(letter)))
    message.add_alternative(_html(headline, rows, _closing(letter)), subtype="html")
    return message


def _headline(letter: Letter) -> str:
    name = _line(letter.subject_of)
    if letter.kind == OUTAGE:
        return f"Calendar sync of {name} stopped"
    if letter.kind == RECOVERY:
        return f"Calendar sync of {name} works again"
    return f"Webhook {name} was switched off"


def _rows(letter: Letter) -> list[tuple[str, str]]:
    entry = describe(letter.code)
    rows = [("What was wrong" if letter.kind == RECOVERY else "What is wrong", entry.summary)]
    rows.append(("Since", _moment(letter.since)))
    if letter.kind == RECOVERY:
        rows.append(("Until", _moment(letter.at)))
    else:
        rows += [("What to do", entry.remedy), ("Who can do it", _WHO[entry.who])]
    rows += [("Tenant", _line(letter.tenant)), ("Code", letter.code)]
    if letter.concerned:
        rows.append(("Concerned", ", ".join(letter.concerned)))
    if letter.link:
        rows.append(("Open calbridge", letter.link))
    return rows


def _closing(letter: Letter) -> str:
    if letter.kind == OUTAGE:
        return "You get one mail for each outage, and one more when it is over."
    if letter.kind == RECOVERY:
        return "What changed meanwhile on both sides is caught up with by itself."
    return "What still waits for it is kept for 7 days and delivered when it is switched on again."


def _text(headline: str, rows: Sequence[tuple[str, str]], closing: str) -> str:
    return "\n".join([f"{headline}.", "", *(f"{name}: {told}" for name, told in rows), "", closing, ""])


def _html(headline: str, rows: Sequence[tuple[str, str]], closing: str) -> str:
    lines = "".join(
        f'<tr><th align="left" valign="top">{html.escape(name)}</th><td>{_cell(told)}</td></tr>' for name, told in rows
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>calbridge</title></head><body>'
        f"<p><strong>{html.escape(headline)}.</strong></p><table cellpadding='4'>{lines}</table>"
        f"<p>{html.escape(closing)}</p></body></html>\n"
    )


def _cell(told: str) -> str:
    shown = html.escape(told)
    return f'<a href="{shown}">{shown}</a>' if told.startswith(("https://", "http://")) else shown


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _line(name: str) -> str:
    """A name from outside as one line, so that it can't begin a header or a row of its own."""
    return " ".join(name.split())[:200]
