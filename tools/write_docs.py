"""Write the manual pages that come from the code: `python tools/write_docs.py`. A test compares them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import marshmallow
from marshmallow import validate

from calbridge.api.schemas_integrations import SettingsSchema
from calbridge.catalogue import CATALOGUE
from calbridge.domain.settings_json import IntegrationSettings, settings_out
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


INTEGRATION_INTRO = """\
# Settings of an integration

What one integration is told to do, in both directions. They are changed under `settings` by
`PATCH /v1/integrations/{integration_id}` (RFC 7396: what is absent is kept, null gives a setting its default back, a
list is replaced whole), and by `calbridge integrations set INTEGRATION --setting retrieve.delete=false`;
`calbridge integrations show INTEGRATION` tells what is in force. In a new integration a tenant's `default_settings` and
`initial_range` come before the defaults here, and its `locked_settings` can't be changed ([tenants](tenants.md)). What
follows from them is told in [sync](sync.md). This page is written from the code by `python tools/write_docs.py`.

| setting | meaning | values | default |
|---|---|---|---|
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


def integration_page() -> str:
    """The text of `docs/integration-settings.md`."""
    rows = _integration_rows("", SettingsSchema(), settings_out(IntegrationSettings()))
    return INTEGRATION_INTRO + "".join(rows)


def _integration_rows(place: str, schema: marshmallow.Schema, defaults: Mapping[str, Any]) -> Iterator[str]:
    for name, field in schema.fields.items():
        inner = isinstance(field, marshmallow.fields.Nested)
        if not inner or field.allow_none:
            meaning, default = field.metadata["description"], json.dumps(defaults[name])
            yield f"| `{place}{name}` | {meaning} | {_values(field)} | `{default}` |\n"
        if isinstance(field, marshmallow.fields.Nested):
            below = defaults[name] if defaults[name] is not None else dict.fromkeys(field.schema.fields)
            yield from _integration_rows(f"{place}{name}.", field.schema, below)


def _values(field: marshmallow.fields.Field[Any]) -> str:
    """What a setting takes, as the API checks it."""
    told = _kind(field)
    return f"{told}, or `null`" if field.allow_none else told


def _kind(field: marshmallow.fields.Field[Any]) -> str:
    limits = {type(each): each for each in field.validators}
    match field:
        case marshmallow.fields.Nested():
            return "the two below"
        case marshmallow.fields.Bool():
            return "`true`, `false`"
        case marshmallow.fields.List():
            most = limits.get(validate.Length)
            return f"at most {most.max} texts" if isinstance(most, validate.Length) else f"any of {_kind(field.inner)}"
        case marshmallow.fields.Dict():
            assert field.key_field is not None
            assert field.value_field is not None
            return f"for each of {_kind(field.key_field)}: {_kind(field.value_field)}"
    bounds, words = limits.get(validate.Range), limits.get(validate.OneOf)
    if isinstance(bounds, validate.Range):
        return f"a whole number from {bounds.min} to {bounds.max}"
    assert isinstance(words, validate.OneOf)
    return ", ".join(f"`{word}`" for word in words.choices)


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"errors.md": errors_page, "settings.md": settings_page, "integration-settings.md": integration_page}
)

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
