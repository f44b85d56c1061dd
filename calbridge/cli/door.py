"""The error door: whatever goes wrong, a person reads what is wrong and what to do, and a program reads a code."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Sequence
from typing import Any

import click

from calbridge.catalogue import Entry, Who, describe
from calbridge.cli.plain import harmless, harmless_json
from calbridge.cli.streams import OutputFault, mute, say_error, take_streams
from calbridge.errors import CalbridgeError
from calbridge.log import clean_text, configure_logging, get_logger

USAGE = 2
INTERRUPTED = 130
EXIT_CODES = {Who.USER: 1, Who.ADMIN: 3, Who.RETRY: 4, Who.DEVELOPER: 3}
"""Who must act, as the exit code: 1 the user, 3 the administrator or the environment, 4 nobody (try again)."""
LEVEL = "CALBRIDGE_LOG_LEVEL"

log = get_logger(__name__)


class Door(click.Group):
    """The outermost group: nothing raised inside leaves it as a traceback."""

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Run one verb and end the process with the exit code of what happened."""
        take_streams()
        _quiet_log()
        words = list(sys.argv[1:] if args is None else args)
        options["standalone_mode"] = False
        sys.exit(_guarded(lambda: super(Door, self).main(words, **options), as_json="--json" in words))


def _guarded(work: Any, *, as_json: bool) -> int:
    try:
        result = work()
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        say_error("\nStopped. What a sync had begun is finished by the next one.")
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        # A group without its verb: the list of verbs is the answer, in its own lines.
        say_error(error.format_message())
        return USAGE
    except click.ClickException as error:
        return _tell_usage(error, as_json=as_json)
    except CalbridgeError as error:
        return _tell(describe(error.code), str(error), as_json=as_json)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away (`| head`), which click turns into SystemExit: nothing is wrong, and Python
        # must not complain at its end.
        mute(sys.stdout)
        return 0
    except OutputFault as fault:
        return _tell_output(fault, as_json=as_json)
    except Exception as error:
        return _tell_unknown(error, as_json=as_json)


def tell_state(code: str, *, as_json: bool) -> int:
    """Tell of a state that came back as an answer, such as a run that failed; gives the exit code."""
    return _tell(describe(code), code, as_json=as_json)


def _tell(entry: Entry, known: str, *, as_json: bool, error_id: str | None = None) -> int:
    known = clean_text(known)
    if as_json:
        told = {"code": entry.code, "what": entry.summary, "remedy": entry.remedy, "detail": known, "id": error_id}
        document = {"error": {name: value for name, value in told.items() if value is not None}}
        say_error(harmless_json(json.dumps(document)))
    else:
        say_error(f"Error: {entry.summary}\nWhat to do: {entry.remedy}")
        say_error(f"Code: {harmless(known)}" if error_id is None else f"Error id: {error_id}")
    return EXIT_CODES[entry.who]


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    """A word on the command line that can't be used; says where the help is."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "calbridge"
    remedy = f"{path} --help shows how it is used, with an example."
    _tell_here("usage", error.format_message(), remedy, as_json=as_json)
    return USAGE


def _tell_output(fault: OutputFault, *, as_json: bool) -> int:
    """Standard output takes nothing, so that the answer is lost; what the verb did stays done."""
    mute(sys.stdout)
    remedy = "See where standard output leads, and that there is space there. What was done stays done."
    _tell_here("output_unwritable", str(fault), remedy, as_json=as_json)
    return EXIT_CODES[Who.ADMIN]


def _tell_here(code: str, message: str, remedy: str, *, as_json: bool) -> None:
    """Tell of what only the command line knows, and the catalogue does not."""
    if as_json:
        document = {"error": {"code": code, "what": message, "remedy": remedy}}
        say_error(harmless_json(json.dumps(document)))
    else:
        say_error(f"Error: {harmless(message)}\nWhat to do: {harmless(remedy)}")


def _tell_unknown(error: Exception, *, as_json: bool) -> int:
    """Log the whole cause under a short id, and show the id: the message of a stranger's error may hold anything."""
    error_id = secrets.token_hex(4)
    log.error("unexpected_error", error_id=error_id, exc_info=error)
    return _tell(describe("internal_error"), f"internal_error {error_id}", as_json=as_json, error_id=error_id)


def _quiet_log() -> None:
    """People at a terminal see no log unless they ask; what nobody expected is an error and logged always."""
    level = (os.environ.get(LEVEL) or "").lower()
    configure_logging(level if level in ("debug", "info", "warning", "error") else "error")
