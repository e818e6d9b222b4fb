"""`manage.py load_icd10cm`: fill the table of ICD-10-CM codes. Safe to run again and again."""

from __future__ import annotations

import time
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from records.icd10 import plain
from records.models import IcdCode

Row = tuple[str, str, str, str, bool]
COLUMNS = "code, title, inclusion_terms, search_text, is_billable"


def rows() -> Iterator[Row]:
    """Every category and code. Chapters and blocks (A00-A09) are headings, nobody has one."""
    with warnings.catch_warnings():  # it opens its data in a way that Python wants to retire
        warnings.simplefilter("ignore", DeprecationWarning)
        import simple_icd_10_cm as source
    # A dictionary: the source names categories that are a block of their own (B20) twice.
    for code in dict.fromkeys(source.get_all_codes(with_dots=True)):
        if not source.is_category_or_subcategory(code):
            continue
        title, terms = source.get_description(code), source.get_inclusion_term(code)
        text = plain(" ".join([code.replace(".", ""), title, *terms]))
        yield code, title, "\n".join(terms), text, source.is_leaf(code)


class Command(BaseCommand):
    help = "Load all ICD-10-CM codes, so that people can search them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when loaded")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and IcdCode.objects.exists():
            return
        started = time.monotonic()
        count = load()
        self.stdout.write(f"{count} ICD-10-CM codes in {time.monotonic() - started:.1f} s.")


def load() -> int:
    """Bring the table in line with the release: add, change and remove. Returns the codes."""
    # Short titles first on the disk too: the search walks them in this order.
    release = sorted(rows(), key=lambda row: (len(row[1]), row[0]))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE icd_release (LIKE records_icdcode INCLUDING DEFAULTS)"
            " ON COMMIT DROP"
        )
        with cursor.copy(f"COPY icd_release ({COLUMNS}) FROM STDIN") as copy:
            for row in release:
                copy.write_row(row)
        cursor.execute(
            "DELETE FROM records_icdcode WHERE code NOT IN (SELECT code FROM icd_release)"
        )
        changed = cursor.rowcount
        cursor.execute(
            f"INSERT INTO records_icdcode ({COLUMNS}) SELECT {COLUMNS} FROM icd_release"  # noqa: S608
            " ON CONFLICT (code) DO UPDATE SET title = EXCLUDED.title,"
            " inclusion_terms = EXCLUDED.inclusion_terms, search_text = EXCLUDED.search_text,"
            " is_billable = EXCLUDED.is_billable"
            " WHERE (records_icdcode.title, records_icdcode.inclusion_terms,"
            " records_icdcode.search_text, records_icdcode.is_billable) IS DISTINCT FROM"
            " (EXCLUDED.title, EXCLUDED.inclusion_terms, EXCLUDED.search_text,"
            " EXCLUDED.is_billable)"
        )
        if changed + cursor.rowcount:
            _write_words(cursor, release)
        cursor.execute("DROP TABLE icd_release")
        cursor.execute("SELECT count(*) FROM records_icdcode")
        count: int = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_icdcode, records_icdword")
    return count


def _write_words(cursor: Any, release: list[Row]) -> None:
    uses = Counter(word for row in release for word in row[3].split())
    cursor.execute("DELETE FROM records_icdword")
    with cursor.copy("COPY records_icdword (word, uses) FROM STDIN") as copy:
        for word, count in uses.items():
            if word.isalpha() and 4 <= len(word) <= 60:
                copy.write_row((word, count))
