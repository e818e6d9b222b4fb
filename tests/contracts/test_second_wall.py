"""The second wall alone: what PostgreSQL gives a sealed reader when no code asked for the sight."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from records.models import AccessGrant, CaseFile
from secondop.lib import second_wall
from specialists import desk
from tests import factories as make
from tests.contracts.test_non_interference import WORLDS
from tests.contracts.worlds import build
from tests.secondop.api.dicomweb_files import signed_in

pytestmark = pytest.mark.django_db

# Tables whose rows a sealed reader gets with a secret in them, and why no policy hides them.
IN_FRONT = {
    "accounts_invitation": "of a person, not of a case file",
    "accounts_letter": "of a person, not of a case file",
    "accounts_user": "of a person, not of a case file",
    "records_proxy": "of a person, not of a case file",
    "records_proxyinvitation": "of a person, not of a case file",
    "records_ehr": "a connection of the clinic",
    "records_peer": "a connection of the clinic",
    "records_patient": "age and sex of the alias are read from it",
    "records_recordpart": "of a cleared record; its head is withheld by `records.readable`",
    "records_imagingseries": "of a cleared series; its names are withheld by the projection",
    "records_imagingstudy": "of a cleared series; its names are withheld by the projection",
    "requests_app_opinionrequest": "the request itself; its purposes are told coarsely",
    "specialists_referral": "whether everybody has sealed is decided while a reader seals",
}
# Not asked above: rows come by COPY, which row level security does not allow. They are read with
# their series, which a policy hides.
BY_COPY = "records_imaginginstance"
SHOWN_TO_SEALED_READERS = [
    "records_safetyfacts",
    "requests_app_patientstatement",
    "requests_app_question",
]


def rows_of(query, *values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def tables():
    return sorted(
        name for name in connection.introspection.table_names() if not name.startswith("pg_")
    )


def tables_that_tell(secret):
    """Every table of the database with a row that holds the secret, as this connection sees it."""
    found = set()
    for table in tables():
        [[tells]] = rows_of(
            f'SELECT EXISTS (SELECT 1 FROM "{table}" t WHERE t::text LIKE %s)',
            f"%{secret.text[:12]}%",
        )
        if tells:
            found.add(table)
    return found


@pytest.fixture
def world(db):
    with transaction.atomic():
        world = build(WORLDS["longer"])
        for case_file in CaseFile.objects.exclude(grants__to=world.reader):
            AccessGrant.objects.create(
                clinic=case_file.clinic, case_file=case_file, to=world.reader, sight="sealed",
                as_role="specialist", until=timezone.now() + timedelta(days=1),
            )  # fmt: skip
        AccessGrant.objects.filter(to=world.reader).update(revoked_at=None)
        yield world
        second_wall.stand_before("")
        transaction.set_rollback(True)


def policies():
    return {
        table
        for (table,) in rows_of(
            "SELECT c.relname::text FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE p.polname = 'not_sealed' AND NOT p.polpermissive"
            " AND c.relrowsecurity AND c.relforcerowsecurity"
        )
    }


def test_a_sealed_reader_finds_the_secret_in_no_other_table(world):
    everywhere = tables_that_tell(world.secret)
    second_wall.stand_before(str(world.reader.pk))
    left = tables_that_tell(world.secret)
    print(f"{len(everywhere)} tables hold the secret, {len(left)} tell it")  # noqa: T201
    assert left == set(IN_FRONT)
    assert everywhere - left <= policies()


def test_every_table_of_a_case_file_is_behind_the_wall_or_holds_nothing_private():
    walled = policies() | set(IN_FRONT) | {BY_COPY}
    bare = [
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in ("records", "requests_app", "specialists")
        and getattr(model, "case_file_id", None) is not None
        and model.Privacy.private
        and model._meta.db_table not in walled
    ]
    assert sorted(bare) == SHOWN_TO_SEALED_READERS


def test_after_the_reveal_it_is_open(world):
    make.revealed(world.referral)
    AccessGrant.objects.filter(to=world.reader).update(sight="full")
    everywhere = tables_that_tell(world.secret)
    second_wall.stand_before(str(world.reader.pk))
    assert tables_that_tell(world.secret) == everywhere


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"until": timezone.now()}])
def test_it_stands_for_live_grants_alone(world, change):
    AccessGrant.objects.filter(to=world.reader).update(**change)
    second_wall.stand_before(str(world.reader.pk))
    assert "records_originaldiagnosis" in tables_that_tell(world.secret)


def test_other_people_and_jobs_see_what_the_first_wall_gives_them(world):
    everywhere = tables_that_tell(world.secret)
    second_wall.stand_before(str(make.coordinator(make.ClinicFactory()).pk))
    assert tables_that_tell(world.secret) == everywhere


def test_what_is_hidden_can_be_neither_changed_nor_removed(world):
    second_wall.stand_before(str(world.reader.pk))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_originaldiagnosis SET diagnosis = 'Another'")
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM records_documentname")
        assert cursor.rowcount == 0


def reader_of_the_connection():
    return rows_of("SELECT current_setting('secondop.reader', true)")[0][0] or ""


def test_the_connection_knows_who_asks_for_as_long_as_a_request_lasts(monkeypatch):
    reader = make.specialist(make.ClinicFactory()).user
    seen = []
    honest = desk.reviews
    monkeypatch.setattr(
        desk, "reviews", lambda *a, **k: seen.append(reader_of_the_connection()) or honest(*a, **k)
    )
    assert signed_in(reader).get("/reviews/").status_code == 200
    assert seen == [str(reader.pk)]
    assert reader_of_the_connection() == ""


@pytest.mark.django_db(transaction=True)
def test_a_connection_made_anew_within_a_request_knows_it_too():
    second_wall.stand_before("5a4f5b5e-6f57-4f0a-9c36-3c1a5a6a7c11")
    try:
        connection.close()
        assert reader_of_the_connection() == "5a4f5b5e-6f57-4f0a-9c36-3c1a5a6a7c11"
    finally:
        second_wall.forget()
    assert reader_of_the_connection() == ""


def test_the_application_is_not_above_the_policies():
    [[is_above]] = rows_of(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    assert not is_above
    assert second_wall.role_is_bound(None) == []


def test_migrations_are_written_without_a_database():
    """`makemigrations` asks the checks of the database, too."""
    gone = os.environ | {"DATABASE_URL": "postgresql://app@/app?host=/nowhere"}
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=settings.BASE_DIR, env=gone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "No changes detected\n"), done.stderr
