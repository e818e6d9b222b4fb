"""After the reveal: compare, answer, options, summary, revise, sign, answer follow-ups."""

import pytest
from django.urls import reverse
from django.utils import timezone

from requests_app.models import FollowUpQuestion, OpinionRequest
from secondop.audit.models import AuditEvent
from secondop.notifications.models import Notification
from specialists import workflow
from specialists.models import Opinion, OpinionRevision, Referral
from tests.factories import (
    completed,
    opinion_request_at,
    quality_reviewer,
    revealed,
    specialist,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_one():
    return revealed(opinion_request_at("in_review").referrals.get())


@pytest.fixture
def own(client, open_one):
    client.force_login(open_one.specialist.user)
    return client


def url(name, referral, query=""):
    return reverse(f"specialists:{name}", args=[referral.pk]) + query


def whole_page(opinion, **changes):
    """What the form of the page sends, with answers to everything."""
    fields = {"version": Opinion.objects.get(pk=opinion.pk).version, "limits": "Records only.",
              "plain_summary": "You can keep your breast."}  # fmt: skip
    for row in opinion.comparisons.all():
        fields |= {f"compare-{row.axis}-result": "same", f"compare-{row.axis}-why": "Both agree."}
    for row in opinion.answers.all():
        fields[f"answer-{row.question_id}-text"] = "Yes."
    for row in opinion.options.all():
        fields |= {
            f"option-{row.pk}-{name}": f"{name} text" for name in ("name", "benefits", "harms")
        }
        fields["recommended"] = str(row.pk)
    return fields | changes


class TestComplete:
    def test_both_opinions_stand_side_by_side(self, own, open_one):
        page = own.get(url("complete", open_one)).content.decode()
        assert "Invasive ductal carcinoma of the left breast" in page
        assert "Invasive carcinoma, stage I" in page
        assert "Dr Original" in page
        assert "Can I keep my breast?" in page

    def test_the_whole_page_is_saved_at_once(self, own, open_one):
        answer = own.post(url("complete", open_one), whole_page(open_one.opinion))
        assert answer.url == url("sign", open_one)
        opinion = Opinion.objects.get()
        assert set(opinion.comparisons.values_list("result", flat=True)) == {"same"}
        assert opinion.answers.get().text == "Yes."
        assert opinion.options.get().is_recommended
        assert opinion.plain_summary == "You can keep your breast."

    def test_typed_text_of_one_section_is_saved_alone(self, own, open_one):
        question = open_one.opinion.answers.get().question_id
        words = {"version": open_one.opinion.version, f"answer-{question}-text": "Yes, if clear."}
        answer = own.post(url("autosave", open_one, "?part=complete"), words)
        assert answer.status_code == 200
        assert Opinion.objects.get().answers.get().text == "Yes, if clear."
        assert Opinion.objects.get().limits == open_one.opinion.limits

    def test_the_first_doctors_plan_is_there_and_stays(self, own, open_one):
        plan = open_one.opinion.options.get()
        assert (plan.name, plan.is_first_doctors_plan) == ("Mastectomy", True)
        words = whole_page(open_one.opinion, remove_option=str(plan.pk))
        answer = own.post(url("complete", open_one), words, follow=True)
        assert "first doctor&#x27;s plan stays" in answer.content.decode()
        assert open_one.opinion.options.filter(pk=plan.pk).exists()

    def test_options_are_added_and_removed_without_losing_text(self, own, open_one):
        words = whole_page(open_one.opinion, add_option="1", plain_summary="Half a sentence")
        assert own.post(url("complete", open_one), words).url.endswith("#options")
        assert open_one.opinion.options.count() == 2
        assert Opinion.objects.get().plain_summary == "Half a sentence"
        added = open_one.opinion.options.get(is_first_doctors_plan=False)
        words = whole_page(open_one.opinion, remove_option=str(added.pk))
        own.post(url("complete", open_one), words)
        assert open_one.opinion.options.count() == 1

    def test_exactly_one_option_is_recommended(self, own, open_one):
        own.post(url("complete", open_one), whole_page(open_one.opinion, add_option="1"))
        for option in open_one.opinion.options.all():
            words = whole_page(open_one.opinion, recommended=str(option.pk))
            own.post(url("complete", open_one), words)
            assert open_one.opinion.options.get(is_recommended=True).pk == option.pk

    def test_a_seventh_option_is_refused_with_a_sentence(self, own, open_one):
        for _ in range(5):
            workflow.add_option(open_one, by=open_one.specialist.user)
        words = whole_page(open_one.opinion, add_option="1", plain_summary="Kept")
        answer = own.post(url("complete", open_one), words, follow=True)
        assert "most that can be compared" in answer.content.decode()
        assert Opinion.objects.get().plain_summary == "Kept"
        assert open_one.opinion.options.count() == 6

    def test_rows_of_another_opinion_cannot_be_written(self, own, open_one):
        other = revealed(opinion_request_at("in_review").referrals.get())
        plan = other.opinion.options.get()
        words = whole_page(open_one.opinion) | {f"option-{plan.pk}-name": "Stolen"}
        own.post(url("complete", open_one), words)
        plan.refresh_from_db()
        assert plan.name == "Mastectomy"

    def test_before_the_reveal_it_is_refused(self, client):
        taken = opinion_request_at("in_review").referrals.get()
        client.force_login(taken.specialist.user)
        answer = client.get(url("complete", taken))
        assert answer.status_code == 409
        assert "carcinoma" not in answer.content.decode()

    def test_queries_stay_the_same_with_more_options(
        self, own, open_one, django_assert_max_num_queries
    ):
        own.get(url("complete", open_one))
        for _ in range(5):
            workflow.add_option(open_one, by=open_one.specialist.user)
        with django_assert_max_num_queries(40):
            own.get(url("complete", open_one))


class TestReadingGrade:
    PLAIN = (
        "You can keep your breast. The lump is small. We take it out. Then we treat the spot. " * 2
    )
    HARD = (
        "Multidisciplinary consideration recommends breast-conserving surgical intervention "
        "accompanied by adjuvant hypofractionated radiotherapeutic consolidation notwithstanding "
        "histopathological heterogeneity demonstrated immunohistochemically throughout."
    ) * 2

    def grade(self, client, text):
        return client.post(
            reverse("specialists:reading_grade"), {"plain_summary": text}
        ).content.decode()

    def test_plain_and_hard_text_are_told_apart(self, own):
        assert "Most adults can read this" in self.grade(own, self.PLAIN)
        assert "Aim for 8 or lower" in self.grade(own, self.HARD)

    def test_a_few_words_are_not_judged(self, own):
        assert "Write a little more" in self.grade(own, "Too short.")

    def test_spanish_has_its_own_measure(self, own):
        text = "Usted puede conservar el pecho. El bulto es pequeño. Lo quitamos. " * 3
        words = {"plain_summary": text, "language": "es"}
        answer = own.post(reverse("specialists:reading_grade"), words).content.decode()
        assert "of 100" in answer


class TestRevise:
    def test_before_after_and_reason_are_kept(self, own, open_one):
        words = {"after": "Lumpectomy, then radiotherapy and tamoxifen.", "reason": "ER positive."}
        answer = own.post(url("revise", open_one, "?field=plan"), words)
        assert answer.url == url("complete", open_one)
        revision = OpinionRevision.objects.get()
        assert revision.before == "Lumpectomy with radiotherapy."
        assert revision.reason == "ER positive."
        assert Opinion.objects.get().plan == words["after"]
        assert "Lumpectomy with radiotherapy." in Opinion.objects.get().seal.content

    def test_the_page_of_the_seal_keeps_what_was_sealed(self, own, open_one):
        own.post(url("revise", open_one, "?field=plan"), {"after": "Watch.", "reason": "Frailty."})
        assert "Lumpectomy with radiotherapy." in own.get(url("seal", open_one)).content.decode()

    def test_a_reason_is_asked_for(self, own, open_one):
        own.post(url("revise", open_one, "?field=plan"), {"after": "Other", "reason": " "})
        assert not OpinionRevision.objects.exists()

    def test_no_change_is_no_revision(self, own, open_one):
        words = {"after": open_one.opinion.plan, "reason": "None"}
        assert (
            "This is what you sealed"
            in own.post(url("revise", open_one, "?field=plan"), words).content.decode()
        )

    def test_every_sealed_field_has_its_page_and_no_other(self, own, open_one):
        for name in Opinion.SEALED_FIELDS:
            assert own.get(url("revise", open_one, f"?field={name}")).status_code == 200
        assert own.get(url("revise", open_one, "?field=limits")).status_code == 404


class TestSign:
    def test_what_is_missing_is_listed_as_links(self, own, open_one):
        page = own.get(url("sign", open_one)).content.decode()
        assert f'href="{url("complete", open_one)}#answers"' in page
        assert own.post(url("sign", open_one)).status_code == 409
        assert Referral.objects.get().status == "sealed"

    def test_signing_hands_to_the_quality_check_once(self, client):
        referral = completed(opinion_request_at("in_review").referrals.get())
        client.force_login(referral.specialist.user)
        first, second = client.post(url("sign", referral)), client.post(url("sign", referral))
        assert first.url == second.url == url("referral", referral)
        assert OpinionRequest.objects.get().status == "quality_check"
        assert AuditEvent.objects.filter(verb="opinion.signed").count() == 1
        assert client.get(url("sign", referral)).status_code == 200

    def test_nothing_changes_after_the_signature(self, client):
        referral = completed(opinion_request_at("in_review").referrals.get())
        workflow.sign(referral, by=referral.specialist.user)
        client.force_login(referral.specialist.user)
        assert client.get(url("complete", referral)).status_code == 409
        assert client.get(url("revise", referral)).status_code == 409

    def test_it_waits_while_the_clinic_gathers_more(self, client):
        referral = completed(opinion_request_at("in_review").referrals.get())
        workflow.ask_for_more(referral, text="The slides.", by=referral.specialist.user)
        client.force_login(referral.specialist.user)
        answer = client.post(url("sign", referral))
        assert answer.status_code == 409
        assert "still gathering" in answer.content.decode()

    def test_comments_of_the_quality_check_stand_on_top(self, client):
        opinion_request = opinion_request_at("quality_check")
        checker = quality_reviewer(opinion_request.clinic)
        opinion_request = workflow.begin_check(opinion_request, by=checker)
        workflow.send_back(opinion_request, comments="Say how soon.", by=checker)
        referral = opinion_request.referrals.get()
        client.force_login(referral.specialist.user)
        assert "Say how soon." in client.get(url("complete", referral)).content.decode()


class TestFollowUp:
    @pytest.fixture
    def question(self):
        opinion_request = opinion_request_at("delivered")
        return FollowUpQuestion.objects.create(
            clinic=opinion_request.clinic, report=opinion_request.reports.get(),
            asked_by=opinion_request.started_by, text="May I travel?", due_at=timezone.now(),
        )  # fmt: skip

    def author(self, question):
        return question.report.opinion_request.referrals.get().specialist.user

    def page(self, question):
        return reverse("specialists:answer_follow_up", args=[question.pk])

    def test_the_author_answers_and_the_patient_is_told(self, client, question):
        client.force_login(self.author(question))
        assert "May I travel?" in client.get(self.page(question)).content.decode()
        client.post(self.page(question), {"text": "Yes, after four weeks."})
        question.refresh_from_db()
        assert question.answer == "Yes, after four weeks."
        assert question.answered_by == self.author(question)
        assert Notification.objects.filter(message="follow_up_answered").count() == 1
        assert AuditEvent.objects.filter(verb="follow_up.answered").exists()

    def test_it_is_answered_once(self, client, question):
        client.force_login(self.author(question))
        client.post(self.page(question), {"text": "Yes."})
        assert client.post(self.page(question), {"text": "No."}).status_code == 409
        question.refresh_from_db()
        assert question.answer == "Yes."

    def test_another_specialist_does_not_find_it(self, client, question):
        client.force_login(specialist(question.clinic).user)
        assert client.get(self.page(question)).status_code == 404

    def test_it_waits_on_the_desk(self, client, question):
        client.force_login(self.author(question))
        assert self.page(question) in client.get(reverse("specialists:desk")).content.decode()
