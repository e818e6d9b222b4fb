"""Several readers: blind to each other, side by side afterwards, a further reader, a panel."""

from collections import Counter

import pytest
from django.core import mail
from django.urls import reverse

from requests_app.models import OpinionRequest
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from specialists import rules, workflow
from specialists.comparing import axes_of, opinions_of, shown_to
from specialists.models import EarlierOpinion, Opinion, Panel, Referral
from specialists.reporting import build_snapshot
from tests.factories import (
    coordinator,
    document,
    opinion_request_at,
    quality_reviewer,
    revealed,
    sealed,
    sign,
    specialist,
)

pytestmark = pytest.mark.django_db


def readers(count=2, **fields):
    """A request that `count` specialists have taken, its coordinator, its referrals."""
    case = opinion_request_at("ready", **fields)
    by = coordinator(case.clinic)
    for _n in range(count):
        workflow.refer(case, to=specialist(case.clinic), by=by)
        case = fresh(case)
    for referral in case.referrals.all():
        workflow.take(referral, by=referral.specialist.user)
    return fresh(case), by, list(case.referrals.order_by("offered_at"))


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def differ(referral, diagnosis="Fibroadenoma", code="D24.1"):
    """The second reader finds another disease."""
    Opinion.objects.filter(pk=referral.pk).update(diagnosis=diagnosis, icd10_code=code)


def both_sealed():
    case, by, (first, second) = readers()
    revealed(first)
    differ(sealed(fresh(second)))
    return fresh(case), by, fresh(first), fresh(second)


def url(name, row):
    return reverse(f"specialists:{name}", args=[row.pk])


class TestCompare:
    def test_until_all_have_sealed_nobody_sees_what_a_reader_wrote(self, client):
        case, by, (first, second) = readers()
        sign(first)
        client.force_login(by)
        answer = client.get(url("compare", case))
        assert answer.status_code == 409
        assert "stage I" not in answer.content.decode()
        page = client.get(reverse("requests:triage", args=[case.pk])).content.decode()
        assert "Compare the readers" not in page
        sealed(fresh(second))
        shown = client.get(url("compare", case)).content.decode()
        assert "Invasive carcinoma, stage I" in shown
        assert AuditEvent.objects.filter(verb="opinions.compared", actor_id=by.pk).count() == 1

    def test_one_opinion_has_nothing_beside_it(self, client):
        case, by, (only,) = readers(1)
        sealed(only)
        client.force_login(by)
        assert client.get(url("compare", case)).status_code == 409

    def test_it_tells_on_which_points_they_differ(self):
        case, _by, _first, second = both_sealed()
        verdicts = {axis.key: axis.verdict for axis in axes_of(opinions_of(case))}
        assert verdicts == {
            "diagnosis": "differ", "stage": "look", "treatment": "look", "urgency": "look"
        }  # fmt: skip
        sign_rest(second)
        Opinion.objects.filter(pk=second.pk).update(icd10_code="C50.911")
        second.opinion.options.filter(name="Lumpectomy").update(name="Watch and wait")
        second.opinion.comparisons.filter(axis="urgency").update(result="different")
        first = case.referrals.exclude(pk=second.pk).get()
        sign_rest(first)
        verdicts = {axis.key: axis.verdict for axis in axes_of(opinions_of(case))}
        assert verdicts == {
            "diagnosis": "agree", "stage": "agree", "treatment": "differ", "urgency": "differ"
        }  # fmt: skip


def sign_rest(referral):
    """From sealed or revealed to signed."""
    by = referral.specialist.user
    if not fresh(referral).opinion.revealed_at:
        workflow.reveal(fresh(referral), by=by)
    opinion = fresh(referral).opinion
    opinion.comparisons.update(result="same", why="Both readings agree.")
    opinion.answers.update(text="Yes.")
    opinion.options.update(benefits="Good.", harms="Scars.", name="Mastectomy")
    opinion.options.create(clinic_id=opinion.clinic_id, position=2, name="Lumpectomy",
                           benefits="Keeps it.", harms="Rays.", is_recommended=True)  # fmt: skip
    workflow.save_completion(fresh(referral), version=opinion.version, by=by,
                             plain_summary="Keep it.", limits="Nobody examined.")  # fmt: skip
    if (panel := fresh(referral).panel) and rules.is_lead(fresh(referral)):
        assert panel.answered_at
    return workflow.sign(fresh(referral), by=by)


class TestNoChannelBetweenReaders:
    def test_a_message_about_nothing_goes_to_nobody_but_who_asked(self):
        case, by, (first, second) = readers()
        workflow.ask_for_more(second, text="Please get the MRI.", by=second.specialist.user)
        before = Notification.objects.filter(to=first.specialist.user).count()
        workflow.resume(fresh(case), by=by)
        assert Notification.objects.filter(to=first.specialist.user).count() == before
        assert Notification.objects.filter(
            to=second.specialist.user, message="message_for_specialist"
        ).exists()

    def test_who_did_not_ask_is_told_when_there_is_more_to_read(self):
        case, by, (first, second) = readers()
        workflow.ask_for_more(second, text="Please get the MRI.", by=second.specialist.user)
        document(case.case_file, by=case.started_by, kind="imaging_report")
        before = Notification.objects.filter(to=first.specialist.user).count()
        workflow.resume(fresh(case), by=by)
        assert Notification.objects.filter(to=first.specialist.user).count() == before + 1

    def test_no_reader_ever_opens_the_page_of_the_others(self, client):
        _case, _by, first, second = both_sealed()
        for reader, status in ((first, 403), (second, 409)):  # revealed; only sealed
            client.force_login(reader.specialist.user)
            assert client.get(url("others", reader)).status_code == status


class TestFurtherReader:
    def ask(self, case, by, **fields):
        third = specialist(case.clinic)
        fields = {"to": third, "axes": ["diagnosis"], "reason": "Two different diseases."} | fields
        workflow.ask_further_reader(fresh(case), by=by, **fields)
        return case.referrals.get(specialist=third)

    def test_the_coordinator_asks_from_the_comparison(self, client):
        case, by, *_two = both_sealed()
        third = specialist(case.clinic)
        client.force_login(by)
        seen = client.get(url("compare", case)).context["seen"]
        data = {"seen": seen, "axes": ["diagnosis"], "text": "It changes the operation.",
                "to": str(third.pk), "summary": "Is it a fibroadenoma?"}  # fmt: skip
        refused = client.post(url("compare", case), data).content.decode()
        assert "This contains: fibroadenoma" in refused
        answer = client.post(url("compare", case), data | {"summary": "Please look."})
        assert answer.status_code == 302
        assert case.referrals.get(specialist=third).part == "further"

    @pytest.mark.parametrize(
        "wrong", [{"axes": []}, {"axes": ["shoe size"]}, {"reason": " "}], ids=str
    )
    def test_a_difference_and_a_reason_are_needed(self, wrong):
        case, by, *_two = both_sealed()
        with pytest.raises(Refused):
            self.ask(case, by, **wrong)

    def test_a_report_that_is_being_checked_goes_back_to_review(self):
        case, by, first, second = both_sealed()
        sign_rest(second)
        sign_rest(first)
        assert fresh(case).status == "quality_check"
        third = self.ask(case, by, axes=["diagnosis"])
        assert fresh(case).status == "in_review"
        workflow.decline(fresh(third), reason="no_time", by=third.specialist.user)
        assert fresh(case).status == "quality_check"  # as it was, nothing is lost

    def test_they_seal_first_and_then_see_a_and_b_without_names(self, client):
        case, by, first, second = both_sealed()
        name = second.specialist.user.full_name
        Opinion.objects.filter(pk=second.pk).update(reasoning=f"I, {name}, looked at the slides.")
        third = self.ask(case, by)
        who = third.specialist.user
        client.force_login(who)
        workflow.take(third, by=who)
        for page in ("referral", "case_file", "write", "seal"):
            words = client.get(url(page, third)).content.decode()
            assert "Fibroadenoma" not in words and "urther reader" not in words, page
        assert client.get(url("others", third)).status_code == 409
        sealed(fresh(third))
        assert client.get(url("others", third)).status_code == 409
        client.post(url("reveal", third))
        page = client.get(url("others", third)).content.decode()
        assert "Opinion A" in page and "Opinion B" in page and "Fibroadenoma" in page
        for author in (first, second):
            assert author.specialist.user.full_name not in page
            assert author.specialist.signature_name not in page
        drawn = EarlierOpinion.objects.filter(referral=third)
        noted = AuditEvent.objects.get(verb="opinions.shown").details["order"]
        assert [str(row.earlier_id) for row in drawn] == noted
        assert {row.earlier_id for row in drawn} == {first.pk, second.pk}
        again = client.get(url("others", third)).content.decode()
        assert again.index("Opinion A") < again.index("Opinion B")
        assert [s.rows for s in shown_to(fresh(third))] == [s.rows for s in shown_to(fresh(third))]

    def test_chance_draws_the_order(self):
        """Either opinion comes first in some of 12 draws (1 in 2,048 that it does not)."""
        from specialists.workflow.several import draw_letters

        case, by, first, _second = both_sealed()
        third = self.ask(case, by)
        workflow.take(third, by=third.specialist.user)
        firsts = Counter()
        from django.db import transaction

        for _n in range(12):
            with transaction.atomic():
                draw_letters(fresh(third), by=third.specialist.user)
                drawn = EarlierOpinion.objects.get(referral=third, letter="A")
                firsts[drawn.earlier_id == first.pk] += 1
                transaction.set_rollback(True)
        assert len(firsts) == 2

    def test_the_report_holds_all_and_says_who_saw_what(self):
        case, by, first, second = both_sealed()
        third = self.ask(case, by)
        workflow.take(third, by=third.specialist.user)
        revealed(fresh(third))
        for referral in (first, second, third):
            sign_rest(fresh(referral))
        snapshot = build_snapshot(fresh(case))
        assert [o["part"]["code"] for o in snapshot["opinions"]] == ["reader", "reader", "further"]
        shown = snapshot["opinions"][2]["blinding"]["shown"]
        assert sorted(row["letter"] for row in shown) == ["A", "B"]
        assert sorted(row["opinion"] for row in shown) == ["A", "B"]
        assert not snapshot["opinions"][0]["blinding"]["shown"]

    def test_after_delivery_one_more_specialist_is_a_further_reader(self):
        case = opinion_request_at("delivered")
        by = coordinator(case.clinic)
        workflow.further_opinion(case, reason="The patient asks.", by=by)
        workflow.refer(fresh(case), to=specialist(case.clinic), by=by)
        assert case.referrals.latest("offered_at").part == "further"


class TestStopLooking:
    def test_the_report_stands_as_it_is(self, client, django_capture_on_commit_callbacks, run_jobs):
        case = opinion_request_at("delivered")
        by = coordinator(case.clinic)
        workflow.further_opinion(case, reason="The patient asks.", by=by)
        client.force_login(by)
        page = client.get(reverse("requests:triage", args=[case.pk]))
        assert "Stop looking" in page.content.decode()
        client.post(url("stop_looking", case), {"seen": page.context["seen"]})
        assert fresh(case).status == "delivered"
        assert case.reports.count() == 1
        run_jobs()
        assert "Your report stays as it is" in mail.outbox[-1].body

    def test_a_first_search_cannot_be_stopped_that_way(self):
        case = opinion_request_at("ready")
        with pytest.raises(Refused):
            workflow.stop_looking(case, by=coordinator(case.clinic))
        assert fresh(case).status == "ready"


class TestPanel:
    def form(self, client):
        case = opinion_request_at("ready")
        by = coordinator(case.clinic)
        lead, surgeon = specialist(case.clinic), specialist(case.clinic)
        surgeon.specialty = "Breast surgery"
        surgeon.save()
        client.force_login(by)
        page = client.get(url("panel", case))
        data = {"seen": page.context["seen"], "lead": str(lead.pk),
                "needed_0": "1", "needed_1": "1"}  # fmt: skip
        assert client.post(url("panel", case), data).status_code == 302
        for who in (lead, surgeon):
            workflow.refer(fresh(case), to=who, by=by)
        return fresh(case), by, *(case.referrals.get(specialist=who) for who in (lead, surgeon))

    def test_quorum_then_the_lead_answers_for_all(self, client):
        case, _by, lead, surgeon = self.form(client)
        assert {s.specialty: s.needed for s in Panel.objects.get().seats.all()} == {
            "Breast surgery": 1, "Medical oncology": 1
        }  # fmt: skip
        client.force_login(lead.specialist.user)
        assert "asked to lead a panel" in client.get(url("referral", lead)).content.decode()
        for referral in (lead, surgeon):
            workflow.take(fresh(referral), by=referral.specialist.user)
        revealed(fresh(lead))
        assert client.get(url("others", lead)).status_code == 409  # the surgeon is still blind
        with pytest.raises(Refused, match="joint answer"):
            workflow.sign(fresh(lead), by=lead.specialist.user)
        differ(sealed(fresh(surgeon)))
        page = client.get(url("others", lead)).content.decode()
        assert "Fibroadenoma" in page and surgeon.specialist.signature_name in page
        client.force_login(surgeon.specialist.user)
        client.post(url("reveal", surgeon))
        assert client.get(url("others", surgeon)).status_code == 403  # members do not
        client.force_login(lead.specialist.user)
        client.post(url("others", lead), {"text": "Together we advise a new biopsy."})
        for referral in (surgeon, lead):
            sign_rest(fresh(referral))
        snapshot = build_snapshot(fresh(case))
        assert snapshot["panel"]["answer"] == "Together we advise a new biopsy."
        assert snapshot["panel"]["lead"] == lead.specialist.signature_name
        assert len(snapshot["opinions"]) == 2
        workflow.begin_check(fresh(case), by=(by := quality_reviewer(case.clinic)))
        workflow.approve(fresh(case), by=by)
        client.force_login(case.started_by)
        report = OpinionRequest.objects.get(pk=case.pk).reports.get()
        assert (
            "Together we advise a new biopsy."
            in client.get(report.get_absolute_url()).content.decode()
        )

    def test_without_the_quorum_there_is_no_joint_answer(self, client):
        case, by, lead, surgeon = self.form(client)
        workflow.take(fresh(lead), by=lead.specialist.user)
        workflow.decline(fresh(surgeon), reason="no_time", by=surgeon.specialist.user)
        revealed(fresh(lead))
        with pytest.raises(Refused, match="not complete yet: Breast surgery"):
            workflow.answer_jointly(fresh(lead), text="Alone", by=lead.specialist.user)
        workflow.make_panel(
            fresh(case), lead=lead.specialist, quorum={"Medical oncology": 1}, by=by
        )
        workflow.answer_jointly(fresh(lead), text="Alone", by=lead.specialist.user)
        assert fresh(lead).panel.joint_answer == "Alone"

    def test_whoever_leads_is_told_nothing_before_the_own_seal(self, client):
        _case, _by, lead, surgeon = self.form(client)
        for referral in (lead, surgeon):
            workflow.take(fresh(referral), by=referral.specialist.user)
        sealed(fresh(surgeon))
        client.force_login(lead.specialist.user)
        assert client.get(url("others", lead)).status_code == 409
        assert Referral.objects.get(pk=lead.pk).opinion.revealed_at is None
