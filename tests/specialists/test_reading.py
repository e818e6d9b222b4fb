"""The case file: what each sight shows, what is noted, and the numbers of what is shown."""

import pytest
from django.urls import reverse

from records.blinding import documents_for
from records.models import DocumentPage
from secondop.audit.models import AuditEvent
from specialists.reading import project
from tests.factories import add_question, add_statement, document, opinion_request_at, revealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken():
    return opinion_request_at("in_review").referrals.get()


@pytest.fixture
def own(client, taken):
    client.force_login(taken.specialist.user)
    return client


def url(name, referral, query=""):
    return reverse(f"specialists:{name}", args=[referral.pk]) + query


def add(referral, blinding_class="clear", **fields):
    fields = {"neutral_title": ""} | fields
    case_file = referral.opinion_request.case_file
    return document(case_file, by=referral.offered_by, blinding_class=blinding_class, **fields)


class TestProjection:
    def test_before_the_seal_only_clear_things_are_in_it(self, taken):
        add(taken, "withheld", file_name="mastectomy.pdf")
        add(taken, "check")
        add(taken, "")
        add_question(taken.opinion_request, "Is the lymphoma real?", blinding_class="withheld")
        add_question(taken.opinion_request, "And the cancer?", blinding_class="")
        seen = project(taken, taken.specialist.user)
        assert seen.is_sealed
        assert len(seen.documents) == 1
        assert seen.documents[0].file_name == ""
        assert [words.text for words in seen.questions] == ["Can I keep my breast?"]
        assert seen.original == ()

    def test_neutral_words_stand_for_withheld_ones(self, taken):
        question = add_question(taken.opinion_request, "Is it lymphoma?", blinding_class="withheld")
        question.neutral_text = "Is the diagnosis right?"
        question.save()
        seen = project(taken, taken.specialist.user)
        assert [words.text for words in seen.questions][1] == "Is the diagnosis right?"

    def test_unclassified_words_are_withheld_even_with_neutral_ones(self, taken):
        statement = add_statement(taken.opinion_request, "story", "They found lymphoma.")
        statement.neutral_text = "Found something."
        statement.save()
        assert project(taken, taken.specialist.user).statements == ()

    def test_safety_facts_are_always_in_it(self, taken):
        facts = {str(fact.label): fact for fact in project(taken, taken.specialist.user).safety}
        assert facts["Allergies"].value == "Penicillin"
        assert facts["Allergies"].is_alert
        assert not facts["Implants"].is_alert
        assert facts["Kidney disease"].is_alert  # nobody said no

    def test_purposes_are_told_no_finer_than_diagnosis_or_treatment(self, taken):
        seen = []
        for purpose in ("options", "planned_treatment", "need_surgery"):
            taken.opinion_request.purposes = [purpose]
            seen.append(project(taken, taken.specialist.user).asked_for)
        assert seen[0] == seen[1] == seen[2]

    def test_numbers_come_from_visible_documents_alone(self, taken):
        first = add(taken)
        add(taken, "withheld")
        second = add(taken)
        titles = {d.pk: t for d, t in documents_for(taken.opinion_request.case_file, "sealed")}
        assert titles[first.pk] == "Letter from a doctor 2"
        assert titles[second.pk] == "Letter from a doctor 3"

    def test_a_document_keeps_its_number_after_the_reveal(self, taken):
        add(taken, "withheld")
        add(taken)
        before = [item.title for item in project(taken, taken.specialist.user).documents]
        after = [item.title for item in project(revealed(taken), taken.specialist.user).documents]
        assert after[: len(before)] == before

    def test_after_the_reveal_everything_is_in_it(self, taken):
        add(taken, "withheld", file_name="mastectomy.pdf")
        question = add_question(taken.opinion_request, "Is it lymphoma?", blinding_class="withheld")
        question.neutral_text = "Is the diagnosis right?"
        question.save()
        seen = project(revealed(taken), taken.specialist.user)
        assert not seen.is_sealed
        assert {item.file_name for item in seen.documents} == {"letter.pdf", "mastectomy.pdf"}
        assert [item.opened_by_reveal for item in seen.documents] == [False, True]
        assert seen.questions[1].text == "Is it lymphoma?"
        assert seen.questions[1].before == "Is the diagnosis right?"
        values = [str(fact.value) for fact in seen.original]
        assert "Invasive ductal carcinoma of the left breast" in values
        assert "Mastectomy" in values

    def test_an_open_review_shows_everything_at_once(self):
        referral = opinion_request_at("in_review", review_mode="open").referrals.get()
        seen = project(referral, referral.specialist.user)
        assert not seen.is_sealed
        assert seen.original

    def test_somebody_without_a_grant_gets_nothing(self, taken):
        from tests.factories import specialist

        assert project(taken, specialist(taken.clinic).user) is None


class TestCaseFile:
    def test_pages_are_shown_in_the_page(self, own, taken):
        shown = taken.opinion_request.case_file.documents.get()
        DocumentPage.objects.create(
            clinic=taken.clinic, case_file=shown.case_file, document=shown, number=1, key="k",
            width=600, height=800, text="",
        )  # fmt: skip
        page = own.get(url("case_file", taken)).content.decode()
        assert reverse("records:page_image", args=[shown.pk, 1]) in page
        assert "Penicillin" in page

    def test_a_withheld_document_is_not_found(self, own, taken):
        hidden = add(taken, "withheld")
        assert own.get(url("case_file", taken, f"?document={hidden.pk}")).status_code == 404
        assert own.get(url("case_file", taken, "?document=nonsense")).status_code == 404

    def test_opening_is_noted_once_for_a_sitting(self, own, taken):
        own.get(url("case_file", taken))
        own.get(url("case_file", taken))
        assert AuditEvent.objects.filter(verb="case_file.read").count() == 1
        assert AuditEvent.objects.filter(verb="document.opened").count() == 1

    def test_an_offer_does_not_open_it(self, client):
        offered = opinion_request_at("referred").referrals.get()
        client.force_login(offered.specialist.user)
        answer = client.get(url("case_file", offered))
        assert answer.status_code == 409
        assert "Take the referral first" in answer.content.decode()

    def test_the_number_of_queries_does_not_grow(self, own, taken, django_assert_max_num_queries):
        own.get(url("case_file", taken))
        for _ in range(10):
            add(taken)
        with django_assert_max_num_queries(45):
            own.get(url("case_file", taken))


class TestMarkRead:
    def test_a_mark_is_kept_and_taken_back(self, own, taken):
        shown = taken.opinion_request.case_file.documents.get()
        words = {"document": str(shown.pk), "is_read": "yes"}
        own.post(url("mark_read", taken), words)
        own.post(url("mark_read", taken), words)
        assert AuditEvent.objects.filter(verb="document.read").count() == 1
        assert project(taken, taken.specialist.user).read_count == 1
        own.post(url("mark_read", taken), words | {"is_read": "no"})
        assert project(taken, taken.specialist.user).read_count == 0

    def test_the_next_unread_document_follows(self, own, taken):
        first = taken.opinion_request.case_file.documents.get()
        second = add(taken)
        words = {"document": str(first.pk), "is_read": "yes"}
        assert own.post(url("mark_read", taken), words).url.endswith(f"?document={second.pk}")

    def test_a_withheld_document_cannot_be_marked(self, own, taken):
        hidden = add(taken, "withheld")
        words = {"document": str(hidden.pk), "is_read": "yes"}
        assert own.post(url("mark_read", taken), words).status_code == 404
        assert own.post(url("mark_read", taken), {}).url == url("case_file", taken)
        assert not AuditEvent.objects.filter(verb="document.read").exists()
