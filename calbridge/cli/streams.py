"""Standard input and output as the caller left them, and documents written to a file that the caller named."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

T = TypeVar("T")
OUTPUT = click.Path(dir_okay=False, readable=False, writable=True, allow_dash=True)
"""The name of a file to write."""


class OutputFault(Exception):
    """Standard output takes nothing; what it was given is lost."""


class _Input(io.FileIO):
    """Standard input that says in plain words that it can't be read. Raises click.UsageError."""

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise click.UsageError(f"Standard input can't be read: {_reason(error)}.") from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise click.UsageError(f"Standard input can't be read: {_reason(error)}.") from error


class _Output(io.FileIO):
    """Standard output whose faults can be told from those of files. Raises OutputFault, BrokenPipeError."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputFault(f"The output can't be written: {_reason(error)}.") from error


def take_streams() -> None:
    """Read and write by the streams of above from now on; a closed one, for which Python has None, fails when used."""
    if sys.stdin is sys.__stdin__:
        source = _Input(_number(sys.stdin, os.O_WRONLY), closefd=False)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(source), *_text_options(sys.stdin))
    if sys.stdout is sys.__stdout__:
        target = _Output(_number(sys.stdout, os.O_RDONLY), "w", closefd=False)
        lines = sys.stdout is not None and sys.stdout.line_buffering
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(target), *_text_options(sys.stdout), line_buffering=lines)


def mute(stream: TextIO) -> None:
    """Let a stream that takes nothing lead nowhere, so that Python does not complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say_error(text: str) -> None:
    """Write to standard error; where that takes nothing, nobody can be told."""
    try:
        click.echo(text, err=True)
    except OSError:
        mute(sys.stderr)


def write_file(place: str, document: str, *, private: bool = False) -> None:
    """Write a document to the file of this name; - is standard output. ``private``: a new file is its owner's alone.

    Raises click.UsageError.
    """
    with opened_file(place, private=private) as write:
        write(document)


@contextmanager
def opened_file(place: str, *, private: bool = False) -> Iterator[Callable[[str], None]]:
    """Open the file now and write to it when there is something: what can't be opened is told before anything is done.

    What stood in the file stays until then, and a file that was made and got nothing is taken away again. Raises
    click.UsageError, as :func:`write_file`.
    """
    if place == "-":
        yield lambda document: click.echo(document, nl=False)
        return
    new = not os.path.lexists(place)
    number = _tried(place, lambda: os.open(place, os.O_WRONLY | os.O_CREAT, 0o600 if private else 0o666))
    written = False

    def write(document: str) -> None:
        nonlocal written
        written = True
        _tried(place, lambda: _replace(number, document.encode("utf-8")))

    try:
        yield write
    finally:
        os.close(number)
        if new and not written:
            os.unlink(place)


def _replace(number: int, content: bytes) -> None:
    """Make this the content of an open file; of one that is no file, such as a pipe, what comes next."""
    if stat.S_ISREG(os.fstat(number).st_mode):
        os.ftruncate(number, 0)
    with open(number, "wb", closefd=False) as file:
        file.write(content)


def _tried(place: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        told = f"{place} can't be written: {_reason(error)}."
        raise click.UsageError(told, click.get_current_context()) from error


def _number(stream: TextIO | None, other_way: int) -> int:
    """The descriptor of a stream; of a closed one, a file opened the other way round, which fails as a closed one."""
    return os.open(os.devnull, other_way) if stream is None else stream.fileno()


def _text_options(stream: TextIO | None) -> tuple[str, str | None]:
    return ("utf-8", None) if stream is None else (stream.encoding, stream.errors)


def _reason(error: OSError) -> str:
    return "it is closed" if error.errno == errno.EBADF else error.strerror or type(error).__name__
