"""A long list as a CSV file, row by row: memory stays flat, whoever fetches it slowly."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from logging import getLogger
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

logger = getLogger(__name__)


def csv_answer(rows: Iterable[Iterable[Any]], file_name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """An answer of unknown length ends alike, whole or not: one that broke off says so itself.

    PRIVACY: the words of the error are not logged.
    """
    writer = csv.writer(_Echo())
    yield "\ufeff"  # without it Excel reads UTF-8 as something else
    try:
        for row in rows:
            yield writer.writerow([harmless(cell) for cell in row])
    except Exception as exc:
        logger.error("A list broke off: %s", type(exc).__name__)
        yield writer.writerow(
            [_("This list is not complete: an error ended it. Ask for it again.")]
        )


class _Echo:
    """A file that hands back what the csv module writes to it."""

    def write(self, value: str) -> str:
        return value


def harmless(cell: Any) -> Any:
    """SECURITY: a spreadsheet runs text that begins like a formula; a quote in front stops it."""
    text = "" if isinstance(cell, int | float) else str(cell)
    dangerous = text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(
        ("\t", "\r", "\n")
    )
    return f"'{text}" if dangerous else cell
