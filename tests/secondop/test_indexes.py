"""Every index costs a write with each row: none of ours is the beginning of another one."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

BEGINNINGS = """
SELECT a.indrelid::regclass::text, a.indexrelid::regclass::text, b.indexrelid::regclass::text
FROM pg_index a JOIN pg_index b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
WHERE NOT a.indisunique AND a.indpred IS NULL AND b.indpred IS NULL
  AND a.indexprs IS NULL AND b.indexprs IS NULL
  AND (string_to_array(b.indkey::text, ' '))[1:a.indnatts] = string_to_array(a.indkey::text, ' ')
  AND (string_to_array(b.indclass::text, ' '))[1:a.indnatts]
      = string_to_array(a.indclass::text, ' ')
ORDER BY 1, 2
"""
OURS = {"audit", "jobs", "notifications", "accounts", "records", "requests_app", "specialists"}


def _beginnings() -> list[tuple[str, str, str]]:
    ours = {
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in OURS and not model._meta.auto_created
    }
    with connection.cursor() as cursor:
        cursor.execute(BEGINNINGS)
        return [row for row in cursor.fetchall() if row[0].strip('"') in ours]


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another():
    assert not _beginnings(), "say db_index=False on the foreign key, or drop the shorter index"


@pytest.mark.django_db
def test_such_an_index_would_be_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX too_many ON records_imaginginstance (case_file_id)")
    found = {(table, index) for table, index, _longer in _beginnings()}
    assert found == {("records_imaginginstance", "too_many")}
