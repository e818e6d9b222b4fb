"""Which tables an id of an address is looked up in, told by the queries that carry it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection

COMPARED = re.compile(r'"(\w+)"\."(\w+)" (?:= |IN \((?:%s, )*)\Z')
TABLE = re.compile(r'(?:FROM|JOIN|INTO|UPDATE) "(\w+)"')


class LookedUp:
    """Within this block, `tables` collects what queries compare with `pk`."""

    def __init__(self, pk: str) -> None:
        self.pk, self.tables, self._stack = pk, set[str](), ExitStack()

    def __enter__(self) -> LookedUp:
        self._stack.enter_context(connection.execute_wrapper(self._read))
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _read(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.pk in repr(params):
            self.tables |= self._tables_of(str(sql), params)
        return execute(sql, params, many, context)

    def _tables_of(self, sql: str, params: Any) -> set[str]:
        """The table whose rows have such an id; each table of the query where that is not plain."""
        before, found = "", set[str]()
        for piece, value in zip(sql.split("%s"), params, strict=False):
            before += piece
            if self.pk in repr(value):
                compared = COMPARED.search(before)
                table = rows_of().get(compared.groups()) if compared else None
                found |= {table} if table else set(TABLE.findall(sql))
            before += "%s"
        return found


@cache
def rows_of() -> dict[tuple[str | Any, ...], str]:
    """(table, column) -> the table whose rows the column names: its own or another."""
    found = {}
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            named = column
            while named.remote_field:  # a foreign key, and a key that is one itself
                named = named.target_field
            if named.primary_key:
                found[model._meta.db_table, column.column] = named.model._meta.db_table
    return found
