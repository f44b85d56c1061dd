"""The verb that writes the document of the REST API."""

from __future__ import annotations

from pathlib import Path

import click

from calbridge.cli.session import Session
from calbridge.cli.verbs import verb

OPENAPI = click.Group("openapi", help="The document of the REST API.")


@verb(OPENAPI, "write", "openapi write openapi/calbridge.json", tenant=False)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def write(session: Session, file: Path) -> None:
    """Write the OpenAPI document of this version to FILE; - is standard output."""
    from calbridge.app import openapi_document

    document = openapi_document()
    if str(file) == "-":
        click.echo(document, nl=False)
        return
    file.write_text(document, encoding="utf-8")
    session.out.done(f"{file} is written.", {"file": str(file)})
