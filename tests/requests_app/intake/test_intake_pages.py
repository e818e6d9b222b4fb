"""Writing a request: each page, and what it refuses by a sentence."""

import pytest

from records.models import CaseFile, OriginalDiagnosis, SafetyFacts
from requests_app.models import OpinionRequest, PatientStatement, PrivateReason, Wording
from tests.factories import (
    UserFactory,
    add_question,
    add_statement,
    coordinator,
    document,
    draft,
    opinion_request_at,
    specialist,
)
from tests.requests_app.intake.pages import ABOUT, ASKED, PAGES, TOLD, autosave, url

pytestmark = pytest.mark.django_db


class TestDoors:
    @pytest.mark.parametrize("page", PAGES)
    def test_strangers_staff_and_specialists_find_nothing_here(self, client, page):
        who = specialist()
        sent = opinion_request_at("in_review", who.clinic, who=who)
        strangers = [UserFactory(), coordinator(sent.clinic), coordinator(), who.user]
        for user in strangers:
            client.force_login(user)
            assert client.get(url(page, sent)).status_code == 404
            assert client.post(url(page, sent), {"autosave": "1"}).status_code in (404, 405)

    @pytest.mark.parametrize("page", PAGES)
    def test_a_visitor_signs_in_and_comes_back(self, client, page, opinion_request):
        answer = client.get(url(page, opinion_request))
        assert answer.status_code == 302
        assert answer.url.endswith(url(page, opinion_request))

    @pytest.mark.parametrize("page", PAGES)
    def test_the_patient_gets_every_page(self, patient, opinion_request, page):
        assert patient.get(url(page, opinion_request)).status_code == 200


class TestTaskList:
    def statuses(self, client, opinion_request):
        tasks = client.get(url("task_list", opinion_request)).context["tasks"]
        return [task["status"] for task in tasks]

    def test_it_shows_done_started_and_to_do(self, patient, opinion_request):
        assert self.statuses(patient, opinion_request) == [
            "done", "todo", "todo", "done", "todo", "blocked",
        ]  # fmt: skip
        autosave(patient, url("told", opinion_request), treatment="Surgery", version="0", tab="a")
        assert self.statuses(patient, opinion_request)[1] == "started"

    def test_everything_done_opens_the_last_step(self, client):
        full = draft()
        client.force_login(full.started_by)
        assert self.statuses(client, full) == ["done"] * 5 + ["todo"]

    def test_its_queries_are_few(self, client, django_assert_max_num_queries):
        full = draft()
        for number in range(6):
            add_question(full, f"Question {number}?")
            document(full.case_file, by=full.started_by)
        client.force_login(full.started_by)
        client.get(url("task_list", full))
        with django_assert_max_num_queries(26):
            client.get(url("task_list", full))


class TestAbout:
    def test_it_saves_the_person_and_the_safety_facts(self, patient, opinion_request):
        answer = patient.post(url("about", opinion_request), ABOUT)
        assert answer.url == url("task_list", opinion_request)
        person = CaseFile.objects.get(pk=opinion_request.case_file_id).patient
        assert (person.full_name, str(person.born_on)) == ("Maria Example", "1968-06-12")
        facts = SafetyFacts.objects.get(case_file=opinion_request.case_file_id)
        assert (facts.has_allergies, facts.allergies) == ("yes", "Penicillin")

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"born_on_year": "2199"}, "today or in the past"),
            ({"born_on_month": "13"}, "Month must be a number from 1 to 12"),
            ({"born_on_month": "2", "born_on_day": "30"}, "Day must be between 1 and 29"),
            ({"born_on_year": "68"}, "Year must have 4 digits"),
            ({"born_on_day": ""}, "Enter the day."),
            ({"full_name": ""}, "Please answer this."),
            ({"full_name": "x" * 151}, "Please shorten this to 150"),
            ({"sex": "robot"}, "Please choose one from the list."),
            ({"country": "ZZ"}, "Please choose one from the list."),
        ],
    )
    def test_what_is_wrong_gets_a_sentence_and_all_else_is_kept(
        self, patient, opinion_request, wrong, sentence
    ):
        answer = patient.post(url("about", opinion_request), ABOUT | wrong | {"phone": "555 0199"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert sentence in page
        typed = next(iter(wrong.values()))
        assert not typed or typed == "robot" or typed == "ZZ" or typed in page
        person = CaseFile.objects.get(pk=opinion_request.case_file_id).patient
        assert person.phone == "555 0199"  # what was fine is saved
        assert str(person.born_on) in ("1968-06-12", "1970-03-14")

    def test_details_of_an_answer_that_is_no_longer_yes_are_dropped(self, patient, opinion_request):
        patient.post(url("about", opinion_request), ABOUT | {"has_allergies": "no"})
        assert SafetyFacts.objects.get(case_file=opinion_request.case_file_id).allergies == ""


@pytest.mark.usefixtures("icd10")
class TestTold:
    def told(self, opinion_request):
        return OriginalDiagnosis.objects.get(case_file=opinion_request.case_file_id)

    def test_words_are_enough(self, patient, opinion_request):
        assert patient.post(url("told", opinion_request), TOLD).status_code == 302
        assert self.told(opinion_request).diagnosis == "Breast cancer"

    def test_a_code_is_enough_with_or_without_its_dot(self, patient, opinion_request):
        sent = TOLD | {"diagnosis": "", "icd10_code": "c50912"}
        assert patient.post(url("told", opinion_request), sent).status_code == 302
        assert self.told(opinion_request).icd10_code == "C50.912"
        page = patient.get(url("told", opinion_request)).content.decode()
        assert "Malignant neoplasm of unspecified site of left female breast" in page

    def test_no_name_is_enough(self, patient, opinion_request):
        sent = TOLD | {"diagnosis": "", "was_not_named": "on"}
        assert patient.post(url("told", opinion_request), sent).status_code == 302
        assert self.told(opinion_request).was_not_named

    def test_nothing_at_all_is_asked_again(self, patient, opinion_request):
        answer = patient.post(url("told", opinion_request), TOLD | {"diagnosis": ""})
        assert answer.status_code == 422
        assert "I was not given a name" in answer.content.decode()

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"icd10_code": "Q00.XYZ"}, "We do not know this code."),
            ({"icd10_code": "breast"}, "We do not know this code."),
            ({"told_on_month": "1", "told_on_day": "1", "told_on_year": "2199"}, "in the past"),
            ({"told_on_month": "1", "told_on_day": "1", "told_on_year": "1950"}, "before the date"),
            (
                {
                    "treatment_planned_on_month": "1",
                    "treatment_planned_on_day": "1",
                    "treatment_planned_on_year": "2199",
                },
                "five years",
            ),
            ({"was_not_named": "on"}, "You wrote a name above too."),
            ({"diagnosis": "x" * 301}, "Please shorten this to 300"),
        ],
    )
    def test_what_is_wrong_gets_a_sentence_and_all_else_is_kept(
        self, patient, opinion_request, wrong, sentence
    ):
        sent = TOLD | wrong | {"treatment": "Take it out."}
        answer = patient.post(url("told", opinion_request), sent)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert self.told(opinion_request).treatment == "Take it out."
        for value in wrong.values():
            assert value == "on" or value in answer.content.decode()

    def test_a_treatment_date_may_be_in_the_future(self, patient, opinion_request):
        from django.utils import timezone

        year = str(timezone.localdate().year + 1)
        day = {"treatment_planned_on_month": "May", "treatment_planned_on_day": "2"}
        sent = TOLD | day | {"treatment_planned_on_year": year}
        assert patient.post(url("told", opinion_request), sent).status_code == 302
        assert str(self.told(opinion_request).treatment_planned_on) == f"{year}-05-02"

    def test_without_javascript_the_list_is_searched_in_the_page(self, patient, opinion_request):
        sent = TOLD | {"icd10_code": "breast cancer", "search_icd10": "1", "treatment": "Wait"}
        page = patient.post(url("told", opinion_request), sent).content.decode()
        assert 'name="icd10_code_pick"' in page
        assert 'value="C50"' in page
        assert self.told(opinion_request).treatment == "Wait"
        chosen = TOLD | {"icd10_code": "breast cancer", "icd10_code_pick": "C50", "version": "1"}
        assert patient.post(url("told", opinion_request), chosen).status_code == 302
        assert self.told(opinion_request).icd10_code == "C50"


class TestQuestions:
    def texts(self, opinion_request):
        rows = opinion_request.questions.order_by("position")
        return list(rows.values_list("wording__text", flat=True))

    def test_words_go_to_their_sealed_tables(self, patient, opinion_request):
        sent = ASKED | {
            "question": ["Is it right?", "", "  What else?  "],
            "story": "It began in May.", "what_matters": "To work.", "private_reason": "Not heard.",
        }  # fmt: skip
        assert patient.post(url("questions", opinion_request), sent).status_code == 302
        assert self.texts(opinion_request) == ["Is it right?", "What else?"]
        assert Wording.objects.get(statement__topic="story").text == "It began in May."
        assert PrivateReason.objects.get().text == "Not heard."
        assert OpinionRequest.objects.get().purposes == ["options"]

    @pytest.mark.parametrize(
        ("questions", "sentence"),
        [
            ([""], "Write at least one question."),
            (["  ", "\n"], "Write at least one question."),
            ([f"Question {n}?" for n in range(9)], "your 8 most important"),
            (["Fine?", "x" * 501], "Question 2 is too long."),
        ],
    )
    def test_none_too_many_or_too_long_is_refused_and_kept(
        self, patient, opinion_request, questions, sentence
    ):
        sent = ASKED | {"question": questions, "story": "It began in May."}
        answer = patient.post(url("questions", opinion_request), sent)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert questions[-1].strip() in answer.content.decode()
        assert self.texts(opinion_request) == []
        assert Wording.objects.get(statement__topic="story").text == "It began in May."

    @pytest.mark.parametrize(
        ("button", "after"),
        [
            ("up:2", ["B", "A", "C"]), ("down:2", ["A", "C", "B"]), ("remove:1", ["B", "C"]),
            ("add", ["A", "B", "C"]), ("up:1", ["A", "B", "C"]), ("down:3", ["A", "B", "C"]),
            ("remove:9", ["A", "B", "C"]), ("up:x", ["A", "B", "C"]),
        ],
    )  # fmt: skip
    def test_buttons_work_without_javascript(self, patient, opinion_request, button, after):
        sent = ASKED | {"question": ["A", "B", "C"], "do": button, "story": "Kept."}
        answer = patient.post(url("questions", opinion_request), sent)
        assert answer.status_code == 302
        assert self.texts(opinion_request) == after
        assert Wording.objects.get(statement__topic="story").text == "Kept."
        rows = patient.get(answer.url).context["question_rows"]
        assert sum(not row["is_hidden"] for row in rows) == (4 if button == "add" else len(after))

    def test_words_that_stay_keep_their_class_and_new_words_have_none(self, client):
        """What is not classified is withheld, so nobody can slip words past the blinding desk."""
        asked = opinion_request_at("needs_patient")
        add_question(asked, "Second?")
        add_statement(asked, "story", "Old.")
        PatientStatement.objects.update(blinding_class="clear", neutral_text="Neutral.")
        client.force_login(asked.started_by)
        sent = ASKED | {"question": ["Second?", "Is my cancer gone?"], "story": "New."}
        client.post(url("questions", asked), sent)
        classes = asked.questions.order_by("position").values_list(
            "wording__text", "blinding_class"
        )
        assert list(classes) == [("Second?", "clear"), ("Is my cancer gone?", "")]
        statement = PatientStatement.objects.get(topic="story")
        assert (statement.blinding_class, statement.neutral_text) == ("", "")

    def test_the_private_reason_is_promised_to_nobody_else(self, patient, opinion_request):
        page = patient.get(url("questions", opinion_request)).content.decode()
        assert "Only you can read this" in page

    def test_emptying_removes_the_rows(self, patient, opinion_request):
        address = url("questions", opinion_request)
        full = ASKED | {"question": ["A"], "story": "S", "private_reason": "P"}
        patient.post(address, full)
        patient.post(address, full | {"story": "", "private_reason": ""})
        assert not PatientStatement.objects.exists()
        assert not PrivateReason.objects.exists()


class TestReview:
    def test_the_choice_is_saved(self, patient, opinion_request):
        sent = {"review_mode": "sealed", "version": "0", "tab": "a"}
        patient.post(url("review", opinion_request), sent)
        assert OpinionRequest.objects.get().review_mode == "sealed"

    @pytest.mark.parametrize(("state", "said"), [("started", True), ("not_started", False)])
    def test_it_says_honestly_when_sealing_can_only_be_partial(self, client, state, said):
        full = draft()
        OriginalDiagnosis.objects.update(treatment_state=state)
        client.force_login(full.started_by)
        page = client.get(url("review", full)).content.decode()
        assert ("Your treatment has begun" in page) is said

    def test_it_cannot_change_after_sending(self, client):
        asked = opinion_request_at("needs_patient")
        client.force_login(asked.started_by)
        answer = client.post(url("review", asked), {"review_mode": "open", "version": "0"})
        assert answer.status_code == 409
        assert OpinionRequest.objects.get().review_mode == "sealed"
