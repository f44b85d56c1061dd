"""Write the manual pages that come from the code: `python tools/write_docs.py`. A test compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType

from calbridge.catalogue import CATALOGUE
from calbridge.settings import Settings, variable_name

DOCS = Path(__file__).resolve().parent.parent / "docs"

ERRORS_INTRO = """\
# Errors

Every error and every state that needs an explanation carries one of these codes. The codes are stable: programs may
rely on them, and every door of calbridge shows the sentence that stands here. This page is written from
`calbridge/catalogue.py` by `python tools/write_docs.py`.

Who acts: **user** is the person whose calendar it is, **admin** whoever runs the tenant, the installation or the
remote service, **retry** nobody (it is tried again by itself), **developer** whoever wrote the connector, the calling
program or calbridge.

| code | who acts | what is wrong | what to do |
|---|---|---|---|
"""

SETTINGS_INTRO = """\
# Settings

Settings come from the environment and are read once, when a process starts. A variable that is empty counts as not
set. What can't be used is refused at the start, by name and never with its value; `calbridge settings` shows the
values in force with secrets hidden. This page is written from `calbridge/settings.py` by `python tools/write_docs.py`.

Connectors may have settings of their own, `CALBRIDGE_<CONNECTOR>_<NAME>`; the manual of each connector lists them.

| variable | meaning | default |
|---|---|---|
"""


def errors_page() -> str:
    """The text of `docs/errors.md`."""
    rows = (f"| `{e.code}` | {e.who.value} | {e.summary} | {e.remedy} |\n" for e in CATALOGUE.values())
    return ERRORS_INTRO + "".join(rows)


def settings_page() -> str:
    """The text of `docs/settings.md`."""
    rows = (
        f"| `{variable_name(f.name)}` | {f.metadata['meaning']} | {f.metadata['default']} |\n" for f in fields(Settings)
    )
    return SETTINGS_INTRO + "".join(rows)


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType({"errors.md": errors_page, "settings.md": settings_page})

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
