"""The chain holds, tampering is found, the database refuses changes."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from secondop.audit.models import AuditEvent
from secondop.audit.trail import broken_links, note
from tests.factories import ClinicFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain():
    clinic, by = ClinicFactory(), UserFactory()
    for number in range(5):
        note("clinic.changed", by=by, about=clinic, step=number)
    return clinic


def behind_the_triggers_back(sql: str) -> None:
    """What somebody with the database's own powers could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(sql)
        finally:
            cursor.execute("SET session_replication_role = origin")


class TestTrigger:
    @pytest.mark.parametrize(
        "sql",
        ["UPDATE audit_auditevent SET verb = 'x'", "DELETE FROM audit_auditevent",
         "TRUNCATE audit_auditevent"],
    )  # fmt: skip
    def test_the_database_refuses(self, chain, sql):
        refused = pytest.raises(DatabaseError, match="only ever added")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
        assert AuditEvent.objects.count() == 5

    def test_through_the_models_too(self, chain):
        event = AuditEvent.objects.first()
        with pytest.raises(DatabaseError), transaction.atomic():
            event.delete()
        event.verb = "x"
        with pytest.raises(DatabaseError), transaction.atomic():
            event.save()


class TestVerify:
    def test_an_untouched_trail_holds(self, chain):
        assert not list(broken_links())
        out = StringIO()
        call_command("verify_audit", stdout=out)
        assert "5 audit events, every link holds" in out.getvalue()

    @pytest.mark.parametrize(
        ("what", "sql"),
        [
            ("edited verb", "UPDATE audit_auditevent SET verb = 'x' WHERE number = 3"),
            ("edited time", "UPDATE audit_auditevent SET at = now() WHERE number = 3"),
            ("edited details", "UPDATE audit_auditevent SET details = '{}' WHERE number = 3"),
            ("edited actor", "UPDATE audit_auditevent SET actor_id = NULL WHERE number = 3"),
            ("deleted", "DELETE FROM audit_auditevent WHERE number = 3"),
            ("deleted first", "DELETE FROM audit_auditevent WHERE number = 1"),
            ("reordered", "UPDATE audit_auditevent SET number = "
             "CASE number WHEN 2 THEN 102 WHEN 3 THEN 2 ELSE number END WHERE number IN (2, 3)"),
            ("deleted and closed up", "DELETE FROM audit_auditevent WHERE number = 3; "
             "UPDATE audit_auditevent SET number = number - 1 WHERE number > 3"),
        ],
    )  # fmt: skip
    def test_tampering_is_found(self, chain, what, sql):
        behind_the_triggers_back(sql)
        assert list(broken_links()), what
        with pytest.raises(CommandError, match="broken"):
            call_command("verify_audit", stdout=StringIO())

    def test_a_cut_tail_is_found_with_heads_kept_elsewhere(self, chain, tmp_path):
        kept = tmp_path / "heads.json"
        call_command("verify_audit", save_heads=str(kept), stdout=StringIO())
        assert json.loads(kept.read_text())[f"clinic:{chain.pk}"][0] == 5
        behind_the_triggers_back("DELETE FROM audit_auditevent WHERE number = 5")
        call_command("verify_audit", stdout=StringIO())  # the rest is a whole chain
        with pytest.raises(CommandError, match="not as saved"):
            call_command("verify_audit", heads=str(kept), stdout=StringIO())
