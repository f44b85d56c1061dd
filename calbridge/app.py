"""The composition root: the one place that turns settings into an installation that works."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from calbridge.errors import SettingsInvalid
from calbridge.log import configure_logging, logging_configured
from calbridge.service.budgets import Budgets, NoBudgets
from calbridge.service.parts import Dispatcher, NoDispatcher, Parts, open_parts
from calbridge.settings import Settings, variable_name

if TYPE_CHECKING:
    from flask import Flask


@contextmanager
def build(settings: Settings) -> Iterator[Parts]:
    """The parts of an installation, closed at the end. Makes the data folder and the key file where need be.

    Raises SettingsInvalid (``key_file_unusable``) and DatabaseUnusable.
    """
    if not logging_configured():
        configure_logging(settings.log_level)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        name = variable_name("data_dir")
        raise SettingsInvalid(f"{name}: the folder can't be made: {error.strerror}") from error
    dispatcher, budgets = _over_redis(settings)
    with open_parts(settings, dispatcher=dispatcher, budgets=budgets) as parts:
        yield parts


def _over_redis(settings: Settings) -> tuple[Dispatcher, Budgets]:
    """Who is told that there is something to do, and who counts requests. RQ is loaded only where there is a Redis."""
    if settings.redis_url is None:
        return NoDispatcher(), NoBudgets()
    from calbridge.jobs.dispatcher import make_budgets, make_dispatcher

    return make_dispatcher(settings), make_budgets(settings)


def wsgi_application(settings: Settings) -> Flask:
    """The REST API as a WSGI application, for the life of this process; make it after a fork, never before.

    Raises as :func:`build`.
    """
    from werkzeug.middleware.proxy_fix import ProxyFix

    from calbridge.api import create_app

    parts = ExitStack()
    atexit.register(parts.close)
    app = create_app(parts.enter_context(build(settings)))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0)  # type: ignore[method-assign]
    return app


def openapi_document() -> str:
    """The OpenAPI document of the API, as ``openapi/calbridge.json`` holds it. Opens nothing."""
    from calbridge.api import create_frame
    from calbridge.api.documents import document_of

    return document_of(create_frame())


def upgrade_database(settings: Settings) -> str:
    """Bring the database to the tables of this version, and give their revision. Raises as :func:`build`."""
    # Loaded late: no other verb needs alembic.
    from calbridge.store import migrate

    with build(settings) as parts:
        return migrate.upgrade(parts.database)
