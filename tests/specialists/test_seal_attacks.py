"""A specialist who is signed in and does not play fair: tabs, edited posts, crashes, clocks.

What `test_seal_under_attack.py` tries one step at a time is tried here at once, with real commits.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from records.models import AccessGrant
from secondop.audit.models import AuditEvent
from secondop.lib.routes import declared_routes
from specialists import workflow
from specialists.models import Comparison, Opinion, Referral, Seal
from tests.factories import (
    INDEPENDENT,
    opinion_request_at,
    revealed,
    specialist,
    write_independent,
)
from tests.specialists.test_several import readers

pytestmark = pytest.mark.django_db
SECRETS = (b"Mastectomy", b"Dr Original", b"First Hospital", b"ductal")


@pytest.fixture
def written():
    return write_independent(opinion_request_at("in_review").referrals.get())


def signed_in(referral, **options):
    client = Client(**options)
    client.force_login(referral.specialist.user)
    return client


def url(name, referral):
    return reverse(f"specialists:{name}", args=[referral.pk])


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def sights():
    return list(AccessGrant.objects.live().values_list("sight", flat=True))


def hidden_version(page):
    return page.context["shown"]["version"]


class TestTwoTabs:
    def test_nobody_seals_words_they_have_not_seen(self, written):
        own = signed_in(written)
        seen = hidden_version(own.get(url("seal", written)))
        assert f'name="version" value="{seen}"' in own.get(url("seal", written)).content.decode()
        typed = {"version": seen, "plan": "Wait and see, says the other tab."}
        assert own.post(url("autosave", written), typed).status_code == 200
        answer = own.post(url("seal", written), {"version": seen})
        assert answer.status_code == 409 and not Seal.objects.exists()
        page = answer.content.decode()
        assert "changed in another window" in page and "Nothing is sealed yet." in page
        assert "says the other tab" in page  # what would be sealed now
        for odd in ("", "-1", "9" * 30, "²", "1 OR 1=1"):
            assert own.post(url("seal", written), {"version": odd}).status_code == 409, odd
        own.post(url("seal", written), {"version": hidden_version(answer)})
        assert "says the other tab" in json.loads(Seal.objects.get().content)["opinion"]["plan"]

    def test_the_old_form_keeps_what_was_typed(self, written):
        """A conflict shows the typed text again; a sealed opinion refuses with its sentence."""
        own = signed_in(written)
        old = fresh(written).opinion.version
        own.post(url("autosave", written), {"version": old, "plan": "Other tab."})
        answer = own.post(url("write", written), {"version": old, "plan": "Mine."})
        assert answer.status_code == 409 and ">\nMine.</textarea>" in answer.content.decode()
        own.post(url("seal", written))
        answer = own.post(url("autosave", written), {"version": old, "plan": "Mine."})
        assert answer.status_code == 409 and "sealed" in answer.json()["message"]


@pytest.mark.django_db(transaction=True)
def test_all_tabs_at_once_seal_once_and_lose_nothing():
    """Six tabs seal, three save: what was answered with "saved" is what was sealed."""
    referral = write_independent(opinion_request_at("in_review").referrals.get())
    start, version = Barrier(9), fresh(referral).opinion.version

    def press(n):
        own = signed_in(referral, raise_request_exception=False)
        name = "autosave" if n % 3 == 0 else "seal"
        typed = {"version": version, "plan": f"Plan of tab {n}."} if name == "autosave" else {}
        try:
            start.wait()
            answer = own.post(url(name, referral), typed, headers={"Accept": "text/html"})
            return name, n, answer.status_code, answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(press, range(9)))
    sealed = json.loads(Seal.objects.get().content)["opinion"]
    opinion = Opinion.objects.get()
    assert sealed == {name: getattr(opinion, name) for name in Opinion.SEALED_FIELDS}
    saved = [n for name, n, status, _text in answers if name == "autosave" and status == 200]
    assert len(saved) <= 1
    assert sealed["plan"] == (f"Plan of tab {saved[0]}." if saved else INDEPENDENT["plan"])
    assert AuditEvent.objects.filter(verb="opinion.sealed").count() == 1
    assert {status for _name, _n, status, _text in answers} <= {200, 302, 409}
    for name, _n, status, text in answers:
        if status == 409:
            assert "sealed" in text or "another window" in text, name
    assert sights() == ["sealed"]


class TestEditedPosts:
    def test_another_persons_rows_are_not_reached_by_their_ids(self, written):
        """Two readers of one request and a stranger: every id of the others, in every place."""
        case, _by, (mine, other) = readers()
        theirs = revealed(other)
        foreign = fresh(theirs).opinion
        option, axis = foreign.options.get(), foreign.comparisons.get(axis="diagnosis")
        own, me = signed_in(mine), revealed(mine)
        stranger = fresh(written).opinion
        lies = {
            "version": fresh(me).opinion.version, "opinion": str(foreign.pk),
            "referral": str(theirs.pk), "case_file": str(written.case_file_id),
            f"option-{option.pk}-name": "Mine now", f"compare-{axis.pk}-why": "Mine now",
            "compare-shoe size-result": "same", "compare-diagnosis-result": "sealed",
            "remove_option": str(option.pk), "sealed_at": "2001-01-01", "sha256": "0" * 64,
        }  # fmt: skip
        for _n in range(2):
            own.post(url("complete", me), lies)
            lies["version"] = fresh(me).opinion.version
            lies.pop("compare-diagnosis-result", "")
        option.refresh_from_db()
        axis.refresh_from_db()
        assert option.name != "Mine now" and axis.why != "Mine now"
        assert Comparison.objects.filter(opinion=foreign).count() == 4
        for theirs_too in (theirs, written):
            for name in ("write", "autosave", "seal", "reveal", "complete", "break_seal", "sign",
                         "revise", "others"):  # fmt: skip
                answer = own.post(url(name, theirs_too), lies | INDEPENDENT)
                assert answer.status_code == 404, name
        assert not Seal.objects.filter(opinion=stranger).exists()
        assert fresh(case).status == "in_review"

    def test_the_field_to_revise_is_one_of_the_sealed(self, written):
        own, me = signed_in(written), written
        workflow.seal(fresh(me), by=me.specialist.user)
        workflow.reveal(fresh(me), by=me.specialist.user)
        for name in ("version", "sealed_at", "revealed_at", "signed_at", "pk", "seal__content"):
            asked = f"{url('revise', me)}?field={name}"
            assert own.post(asked, {"after": "x", "reason": "y"}).status_code == 404, name

    def test_every_other_method_is_refused(self, written):
        """No route of ours takes PUT, PATCH or DELETE of an opinion."""
        own = signed_in(written, raise_request_exception=False)
        routes = [route for name, route in declared_routes().items() if "specialists:" in name]
        assert routes and all(set(route.methods) <= {"GET", "POST"} for route in routes)
        for name in ("write", "seal", "reveal", "autosave"):
            for method in ("PUT", "PATCH", "DELETE"):
                answer = own.generic(method, url(name, written), json.dumps(INDEPENDENT),
                                     content_type="application/json")  # fmt: skip
                assert answer.status_code == 405, (name, method)
            headers = {"X-HTTP-Method-Override": "PUT"}
            assert own.post(url("reveal", written), headers=headers).status_code == 409
        assert sights() == ["sealed"]

    def test_json_is_no_form(self, written):
        own = signed_in(written)
        typed = json.dumps({"version": fresh(written).opinion.version, "plan": "By JSON"})
        own.post(url("autosave", written), typed, content_type="application/json")
        assert fresh(written).opinion.plan == INDEPENDENT["plan"]

    @pytest.mark.parametrize("name", ["seal", "reveal", "break_seal", "autosave", "complete"])
    def test_without_the_token_of_the_page_nothing_happens(self, written, name):
        own = signed_in(written, enforce_csrf_checks=True)
        own.get(url("seal", written))
        for token in ({}, {"csrfmiddlewaretoken": "0" * 64}):
            sent = {"reason": "A clot", "is_sure": "on", "version": 1, **token}
            assert own.post(url(name, written), sent).status_code == 403
        assert not Seal.objects.exists() and sights() == ["sealed"]

    def test_an_empty_opinion_is_not_sealed_by_any_means(self):
        empty = opinion_request_at("in_review").referrals.get()
        own = signed_in(empty)
        assert own.post(url("seal", empty), INDEPENDENT).status_code == 409
        for blank in ("diagnosis", "certainty", "reasoning", "plan"):
            typed = {**INDEPENDENT, "icd10_code": "", blank: " \n\t\u00a0"}
            typed["version"] = fresh(empty).opinion.version
            own.post(url("autosave", empty), typed)
            assert own.post(url("seal", empty)).status_code == 409, blank
        assert not Seal.objects.exists()


class TestClocks:
    def test_the_grant_ends_at_the_very_moment_by_the_databases_clock(self, written, monkeypatch):
        real = timezone.now
        AccessGrant.objects.update(until=Now())
        for shift in (0, -5, 5):  # the process clock stands still, behind, ahead
            monkeypatch.setattr(timezone, "now", lambda days=shift: real() + timedelta(days=days))
            own = signed_in(written)
            for name in ("case_file", "write", "seal", "break_seal"):
                assert own.get(url(name, written)).status_code == 404, name
            assert own.post(url("seal", written)).status_code == 404
        monkeypatch.setattr(timezone, "now", real)
        AccessGrant.objects.update(until=real() + timedelta(minutes=5))
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=3))
        assert signed_in(written).get(url("case_file", written)).status_code == 200

    @pytest.mark.parametrize("how", ["expired", "revoked", "left the clinic"])
    def test_access_that_ends_between_page_and_post_opens_nothing(self, written, how):
        own = signed_in(written)
        own.post(url("seal", written))
        assert own.get(url("seal", written)).status_code == 200
        if how == "left the clinic":
            written.specialist.user.memberships.update(ended_at=timezone.now())
        else:
            ended = {"expired": {"until": Now()}, "revoked": {"revoked_at": timezone.now()}}[how]
            AccessGrant.objects.update(**ended)
        answer = own.post(url("reveal", written), headers={"Accept": "text/html"})
        assert answer.status_code in (404, 409)
        assert not AccessGrant.objects.filter(sight="full").exists()
        assert fresh(written).opinion.revealed_at is None
        for name in ("case_file", "complete", "seal"):
            page = own.get(url(name, written))
            assert page.status_code in (404, 409)
            assert not any(secret in page.content for secret in SECRETS), name

    def test_a_seal_takes_the_time_of_the_database(self, written, monkeypatch):
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement_timestamp()")
            before = cursor.fetchone()[0]
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=400))
        workflow.seal(fresh(written), by=written.specialist.user)
        monkeypatch.undo()
        sealed_at = Seal.objects.get().sealed_at
        assert before <= sealed_at < before + timedelta(minutes=5)
        assert json.loads(Seal.objects.get().content)["sealed_at"] == sealed_at.isoformat(
            timespec="microseconds"
        )


CRASH = """
CREATE OR REPLACE FUNCTION crash_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.verb = '{verb}' THEN {how}; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER crash_here BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION crash_here();
"""
FAIL = "RAISE EXCEPTION 'out of disk'"
KILL = "PERFORM pg_terminate_backend(pg_backend_pid())"


class crashing:
    """The database fails, or dies, at the last write of a step: the entry in the audit trail."""

    def __init__(self, verb, how):
        self.sql = CRASH.format(verb=verb, how=how, table=AuditEvent._meta.db_table)

    def __enter__(self):
        with connection.cursor() as cursor:
            cursor.execute(self.sql)

    def __exit__(self, *_args):
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER crash_here ON {AuditEvent._meta.db_table}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", [FAIL, KILL], ids=["fails", "is killed"])
def test_a_crash_leaves_a_step_done_or_not_begun(how):
    referral = write_independent(opinion_request_at("in_review").referrals.get())
    own = signed_in(referral, raise_request_exception=False)
    with crashing("opinion.sealed", how):
        assert own.post(url("seal", referral)).status_code == 500
    assert not Seal.objects.exists() and fresh(referral).status == "taken"
    assert own.post(url("reveal", referral)).status_code == 409 and sights() == ["sealed"]
    assert own.post(url("seal", referral)).status_code == 302
    sealed = Seal.objects.get().content

    with crashing("opinion.revealed", how):  # the seal is committed; the reveal is not
        answer = own.post(url("reveal", referral))
        assert answer.status_code == 500
        assert not any(secret in answer.content for secret in SECRETS)
    assert sights() == ["sealed"] and fresh(referral).opinion.revealed_at is None
    assert not Comparison.objects.exists()
    page = own.get(url("complete", referral))
    assert page.status_code == 409 and not any(secret in page.content for secret in SECRETS)
    assert own.post(url("seal", referral)).status_code == 302  # the retry of a lost answer

    assert own.post(url("reveal", referral)).status_code == 302
    revealed_at = fresh(referral).opinion.revealed_at
    for _n in range(2):
        assert own.post(url("reveal", referral)).url == url("complete", referral)
    assert fresh(referral).opinion.revealed_at == revealed_at and sights() == ["full"]
    assert Seal.objects.get().content == sealed
    verbs = AuditEvent.objects.filter(verb__startswith="opinion.").order_by("number")
    assert list(verbs.values_list("verb", flat=True)) == ["opinion.sealed", "opinion.revealed"]
    assert Comparison.objects.count() == 4


def test_a_seal_rolled_back_by_its_caller_reveals_nothing(written):
    by = written.specialist.user
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        workflow.seal(fresh(written), by=by)
        1 / 0  # noqa: B018
    own = signed_in(written)
    assert own.post(url("reveal", written)).status_code == 409
    assert sights() == ["sealed"] and not Seal.objects.exists()
    assert not AuditEvent.objects.filter(verb="opinion.sealed").exists()
    stranger = specialist(written.clinic)
    assert signed_in(Referral(specialist=stranger)).get(url("seal", written)).status_code == 404
