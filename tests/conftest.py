"""What every test stands on: real PostgreSQL, real Redis, no mocks of our own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, TransactionTestCase

from secondop.accounts.models import Clinic, User
from secondop.jobs.sweep import job_models
from tests.factories import ClinicFactory, coordinator

# Made by migrating, the same for every test.
LASTING = {"django_content_type", "auth_permission"}


@pytest.fixture(autouse=True, scope="session")
def _only_what_a_test_wrote_is_deleted() -> Iterator[None]:
    """After a test that commits: rows are deleted where there are any, nothing is made anew.

    Django truncates every table and fills content types and permissions again, which takes longer
    than most tests. The triggers of append-only tables sleep meanwhile.
    """
    before = TransactionTestCase._fixture_teardown

    def delete(_self: TransactionTestCase) -> None:
        names = set(connection.introspection.django_table_names(only_existing=True)) - LASTING
        looks = (f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in sorted(names))
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            written = [name for (name,) in cursor.fetchall()]
            cursor.execute("SET session_replication_role = replica")
            try:
                for name in written:
                    cursor.execute(f'DELETE FROM "{name}"')
            finally:
                cursor.execute("SET session_replication_role = origin")

    TransactionTestCase._fixture_teardown = delete  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = before  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what still holds a connection, so that the test database can be dropped at the end.

    A page that was loading when its test ended, or a worker on its way out, may be a moment late.
    """
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture
def run_jobs(db: None) -> Callable[[], int]:
    """Return a function that runs every due job here, as the workers would; it returns how many.

    The task functions themselves run: claim, attempt, closing. Only the broker is left out, and
    the drills in tests/drills bring that in with real workers.
    """

    def run() -> int:
        from celery import current_app

        current_app.loader.import_default_modules()  # as a worker does when it starts
        done = 0
        for model in job_models():
            for pk in list(model.objects.due().order_by("run_after").values_list("pk", flat=True)):
                current_app.tasks[model.TASK].run(str(pk))
                done += 1
        return done

    return run


@pytest.fixture
def clinic(db: None) -> Clinic:
    return ClinicFactory()


@pytest.fixture
def staff(client: Client, clinic: Clinic) -> User:
    """A coordinator of the clinic, signed in at `client`."""
    user = coordinator(clinic)
    client.force_login(user)
    return user


@pytest.fixture
def in_transaction() -> Iterator[None]:
    with transaction.atomic():
        yield


@pytest.fixture(scope="session")
def _icd10_loaded(django_db_setup: None, django_db_blocker: Any) -> None:
    """Load all codes once a session, and keep them when a test that commits empties the tables."""
    from records.management.commands.load_icd10cm import load
    from records.models import IcdCode, IcdWord

    with django_db_blocker.unblock():
        load()
    kept = {IcdCode._meta.db_table, IcdWord._meta.db_table}
    # Of the class: beside a browser's event loop the connection is another object.
    introspection: Any = type(connection.introspection)
    names = introspection.django_table_names

    def emptied(self: Any, *args: Any, **options: Any) -> list[str]:
        return [name for name in names(self, *args, **options) if name not in kept]

    introspection.django_table_names = emptied


@pytest.fixture
def icd10(_icd10_loaded: None, db: None) -> None:
    """All ICD-10-CM codes."""
