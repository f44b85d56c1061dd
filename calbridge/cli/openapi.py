"""The verb that writes the document of the REST API."""

from __future__ import annotations

import click

from calbridge.cli.session import Session
from calbridge.cli.streams import OUTPUT, write_file
from calbridge.cli.verbs import verb

OPENAPI = click.Group("openapi", help="The document of the REST API.")


@verb(OPENAPI, "write", "openapi write openapi/calbridge.json", tenant=False)
@click.argument("file", type=OUTPUT)
def write(session: Session, file: str) -> None:
    """Write the OpenAPI document of this version to FILE; - is standard output."""
    from calbridge.app import openapi_document

    write_file(file, openapi_document())
    if file != "-":
        session.out.done(f"{file} is written.", {"file": file})
