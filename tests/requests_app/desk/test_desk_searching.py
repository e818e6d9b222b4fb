"""Nothing is shown before the search in it has ended; what was shown too early is taken back."""

import pytest

from records import imaging_workflow
from records.blinding_search.asking import search_item
from records.models import BlindingHit, BlindingSearch, Document, ImagingSeries
from requests_app import deciding
from requests_app.models import DeskDecision
from secondop.audit.models import AuditEvent
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from tests.factories import add_question, coordinator, opinion_request_at
from tests.papers import letter_pdf
from tests.records.dicom import samples
from tests.requests_app.desk.items import answer, item_of, page_of, paper, sealed_titles

pytestmark = pytest.mark.django_db
LEAK = "Infiltrating ductal carcinoma of the left breast"


def leaking(it, **fields):
    return paper(it, letter_pdf("Report", [f"Impression: {LEAK}."]), **fields)


def ask(it, row, about="document"):
    search_item(about, row.pk, it.case_file)


class TestWhileTheSearchRuns:
    def test_showing_is_refused_and_everything_that_hides_is_not(self, client, it, made):
        ask(it, made)
        page = page_of(client, it, made)
        assert "The search in this has not ended" in page
        assert 'value="release" data-key="r" disabled' in page
        refused = answer(client, it, made, "release")
        assert refused.status_code == 409
        assert Document.objects.get(pk=made.pk).blinding_class == ""
        assert answer(client, it, made, "withhold").status_code == 302

    def test_when_it_has_ended_the_old_page_is_refused_and_the_new_one_works(
        self, client, it, run_jobs
    ):
        row = leaking(it)
        before = item_of(it, row).seen
        ask(it, row)
        run_jobs()
        item = item_of(it, row)
        assert item.hit_count and item.seen != before
        stale = answer(client, it, row, "release", seen=before)
        assert stale.status_code == 409
        assert "the search has ended" in stale.content.decode()
        assert answer(client, it, row, "release").status_code == 302
        assert sealed_titles(it)

    def test_a_search_that_died_leaves_it_to_a_person(self, client, it, made):
        ask(it, made)
        BlindingSearch.objects.filter(about_id=made.pk).update(status="dead")
        assert answer(client, it, made, "release").status_code == 302

    def test_the_second_person_waits_for_it_too(self, client, clinic, it, made, staff):
        clinic.demands_second_look = True
        clinic.save()
        assert answer(client, it, made, "release").status_code == 302
        ask(it, made)
        item = item_of(it, made)
        other = coordinator(clinic)
        with pytest.raises(Refused):
            deciding.second(it, item.key, agrees=True, seen=item.seen, by=other)
        deciding.second(it, item.key, agrees=False, seen=item.seen, by=other)
        assert DeskDecision.objects.get(about_id=made.pk).state == "refused"


class TestShownTooEarly:
    def test_papers_and_words_are_withheld_again_and_staff_told(self, client, it, staff, run_jobs):
        row, calm = leaking(it, blinding_class="clear"), paper(
            it, letter_pdf("Report", ["Haemoglobin 13.1 g/dl."]), blinding_class="clear"
        )  # fmt: skip
        question = add_question(it, "Must I have the mastectomy?")
        ask(it, row)
        ask(it, calm)
        ask(it, question, "question")
        run_jobs()
        classes = dict(Document.objects.values_list("pk", "blinding_class"))
        assert (classes[row.pk], classes[calm.pk]) == ("check", "clear")
        question.refresh_from_db()
        assert question.blinding_class == ""
        assert item_of(it, row).state == item_of(it, question).state == "look_again"
        told = AuditEvent.objects.filter(verb="blinding.held_back")
        assert set(told.values_list("about_id", flat=True)) >= {str(row.pk), str(question.pk)}
        assert Notification.objects.filter(message="another_look_needed").exists()
        assert "withheld until you decide again" in page_of(client, it, row)
        # Decided with the hits in view, the same hits take nothing back.
        assert answer(client, it, row, "release").status_code == 302
        ask(it, row)
        run_jobs()
        assert Document.objects.get(pk=row.pk).blinding_class == "clear"

    def test_images_whose_header_or_letters_tell_it(self, it, staff, run_jobs):
        samples.without_a_name(it.case_file)
        samples.store(
            it.case_file,
            samples.as_bytes(samples.ct(series="1.2.3.4.6", SeriesDescription="After mastectomy",
                                        StudyDescription="Chest")),
            samples.as_bytes(samples.ct(series="1.2.3.4.7", SeriesDescription="Thorax",
                                        StudyDescription="Chest")),
        )  # fmt: skip
        telling, calm = ImagingSeries.objects.order_by("SeriesInstanceUID")
        for series in (telling, calm):
            imaging_workflow.classify(series, "clear", by=staff, has_seen_pictures=True)
        run_jobs()
        telling.refresh_from_db()
        calm.refresh_from_db()
        assert (telling.blinding_class, calm.blinding_class) == ("check", "clear")
        assert BlindingHit.objects.filter(about_id=telling.pk, place="header").exists()
        assert Notification.objects.filter(message="another_look_needed").exists()


def test_a_case_without_searches_can_still_be_decided(client):
    """Rows from before the search was asked for: nothing says that a search is under way."""
    it = opinion_request_at("collecting")
    client.force_login(coordinator(it.clinic))
    row = paper(it)
    assert answer(client, it, row, "release").status_code == 302
