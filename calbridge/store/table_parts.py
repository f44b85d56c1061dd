"""What the declarations of tables share: one metadata, and short words for their columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, MetaData, String, text

from calbridge.store.columns import Name

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
HASH = String(40)


def of(table: str, *columns: str, late: bool = False) -> ForeignKeyConstraint:
    """A foreign key within the tenant; ``late`` ones are checked at the commit, so that rows come in any order."""
    target = ["tenant_id", *(["integration_id"] if len(columns) == 2 else []), "id"] if columns else ["id"]
    names = ["tenant_id", *columns]
    timing: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"} if late else {}
    return ForeignKeyConstraint(names, [f"{table}.{name}" for name in target], **timing)


def key(name: str) -> Column[Any]:
    return Column(name, Name, primary_key=True)


def must(name: str, type_: Any, default: str | None = None) -> Column[Any]:
    return Column(name, type_, nullable=False, server_default=None if default is None else text(default))


def flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False)
