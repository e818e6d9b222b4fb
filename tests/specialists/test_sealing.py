"""The seal: what is locked, that it happens once, and that anybody can check it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from records.models import AccessGrant
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from specialists import workflow
from specialists.models import Opinion, Referral, Seal
from specialists.sealing import exported
from specialists.verifying import verify
from tests.factories import opinion_request_at, sealed, write_independent

pytestmark = pytest.mark.django_db


@pytest.fixture
def written():
    return write_independent(opinion_request_at("in_review").referrals.get())


@pytest.fixture
def own(client, written):
    client.force_login(written.specialist.user)
    return client


def url(name, referral):
    return reverse(f"specialists:{name}", args=[referral.pk])


class TestSeal:
    def test_the_page_shows_exactly_what_is_sealed(self, own, written):
        page = own.get(url("seal", written)).content.decode()
        for name in Opinion.SEALED_FIELDS:
            value = getattr(written.opinion, name)
            assert value in page or name == "certainty"
        own.post(url("seal", written))
        content = json.loads(Seal.objects.get().content)
        assert content["opinion"] == {
            name: getattr(written.opinion, name) for name in Opinion.SEALED_FIELDS
        }

    def test_what_is_missing_is_listed_and_the_button_is_off(self, own, written):
        Opinion.objects.update(plan="")
        page = own.get(url("seal", written)).content.decode()
        assert "Write what you would do next." in page
        assert 'type="submit">Seal my opinion' not in page
        assert own.post(url("seal", written)).status_code == 409
        assert not Seal.objects.exists()

    def test_it_shows_time_and_hash_afterwards(self, own, written):
        own.post(url("seal", written))
        page = own.get(url("seal", written)).content.decode()
        assert Seal.objects.get().sha256 in page
        assert "Open the original diagnosis" in page

    def test_a_double_click_seals_once(self, own, written):
        first, second = own.post(url("seal", written)), own.post(url("seal", written))
        assert first.url == second.url
        assert Seal.objects.count() == 1

    def test_twice_is_refused_by_the_workflow(self, written):
        sealed_one = workflow.seal(written, by=written.specialist.user)
        with pytest.raises(Refused) as refused:
            workflow.seal(sealed_one, by=written.specialist.user)
        assert refused.value.status == 409

    def test_an_open_review_has_nothing_to_seal(self, client):
        taken = opinion_request_at("in_review", review_mode="open").referrals.get()
        client.force_login(taken.specialist.user)
        write_independent(taken)
        assert client.post(url("seal", taken)).status_code == 409


class TestReveal:
    def test_before_the_seal_it_is_refused(self, own, written):
        answer = own.post(url("reveal", written))
        assert answer.status_code == 409
        assert "Seal your own opinion first" in answer.content.decode()
        assert AccessGrant.objects.live().get().sight == "sealed"

    def test_it_opens_once_and_is_noted(self, own, written):
        own.post(url("seal", written))
        assert own.post(url("reveal", written)).url == url("complete", written)
        assert own.post(url("reveal", written)).url == url("complete", written)
        assert AccessGrant.objects.live().get().sight == "full"
        assert AuditEvent.objects.filter(verb="opinion.revealed").count() == 1

    def test_a_seal_that_does_not_verify_opens_nothing(self, own, written):
        own.post(url("seal", written))
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE specialists_seal SET content = replace(content, 'stage', 'Stage')"
            )
            cursor.execute("SET session_replication_role = origin")
        answer = own.post(url("reveal", written))
        assert answer.status_code == 409
        assert "does not match" in answer.content.decode()
        assert AccessGrant.objects.live().get().sight == "sealed"


class TestVerify:
    def test_the_download_verifies_without_a_database(self, own, written, tmp_path, capsys):
        own.post(url("seal", written))
        answer = own.get(url("seal_file", written))
        assert answer["Content-Disposition"].startswith("attachment; filename=")
        path = tmp_path / "seal.json"
        path.write_bytes(answer.content)
        call_command("verify_seal", str(path))
        assert "intact" in capsys.readouterr().out

    def test_any_changed_byte_is_found(self, written):
        sealed_one = workflow.seal(written, by=written.specialist.user)
        text = exported(sealed_one.opinion.seal)
        assert verify(text).problems == []
        for place in range(len(text)):
            other = "x" if text[place] != "x" else "y"
            assert verify(text[:place] + other + text[place + 1 :]).problems, place
        assert verify(text + "\n").problems

    def test_a_wrong_file_gets_a_sentence(self, tmp_path):
        path = tmp_path / "other.json"
        path.write_text('{"a": 1}')
        with pytest.raises(CommandError, match="not a file that SecondOp exported"):
            call_command("verify_seal", str(path))
        with pytest.raises(CommandError, match="no such file"):
            call_command("verify_seal", str(tmp_path / "nowhere.json"))

    def test_all_seals_behind_a_report(self, capsys):
        report = opinion_request_at("delivered").reports.get()
        call_command("verify_seal", str(report.pk))
        assert "intact" in capsys.readouterr().out

    def test_before_the_seal_there_is_no_file(self, own, written):
        assert own.get(url("seal_file", written)).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_seals_make_one():
    referral = write_independent(opinion_request_at("in_review").referrals.get())
    by = referral.specialist.user

    def seal_it(_):
        try:
            workflow.seal(Referral.objects.get(pk=referral.pk), by=by)
        except Refused as refused:
            return refused.status
        finally:
            connection.close()
        return 200

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(seal_it, range(20)))
    assert sorted(answers) == [200] + [409] * 19
    assert Seal.objects.count() == 1
    assert AuditEvent.objects.filter(verb="opinion.sealed").count() == 1


def test_a_sealed_row_refuses_change(written):
    from django.db import transaction
    from django.db.utils import DatabaseError

    sealed(written)
    with pytest.raises(DatabaseError), transaction.atomic():
        Seal.objects.update(sha256="0" * 64)
