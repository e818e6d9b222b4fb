"""The clinic's own list: words added and switched off count at once, for this clinic alone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from records.blinding_search import asking
from records.models import BlindingHit, BlindingSearch, GiveawayTerm
from secondop.audit.models import AuditEvent
from tests import factories
from tests.records import files
from tests.records.ready import screened, told

PAGE = reverse("records:giveaway_terms")
NEW = {"step": "add", "term": "zanidatamab", "kind": "drug", "language": "",
       "concept": "breast_cancer", "new_concept": "", "icd10_prefixes": ""}  # fmt: skip


@pytest.mark.django_db
class TestPage:
    def test_a_word_is_added_and_records_are_searched_again(self, client, run_jobs):
        request = told(diagnosis="breast cancer")
        document = screened(files.pdf(1, text="takes zanidatamab"), request)
        run_jobs()
        assert not BlindingHit.objects.exists()
        client.force_login(factories.coordinator(request.clinic))
        assert "trastuzumab" in client.get(f"{PAGE}?list=breast_cancer").content.decode()
        answer = client.post(PAGE, NEW, follow=True)
        assert "zanidatamab" in answer.content.decode()
        assert AuditEvent.objects.filter(verb="giveaway_term.added").count() == 1
        BlindingSearch.objects.update(run_after="2026-01-01T00:00Z")
        run_jobs()
        [hit] = BlindingHit.objects.of("document", document.pk)
        assert (hit.found, hit.why) == ("zanidatamab", "drug")

    def test_a_shipped_word_is_taken_out_and_put_back_for_one_clinic(self, client):
        request, other = told(diagnosis="breast cancer"), told(diagnosis="breast cancer")
        client.force_login(factories.administrator(request.clinic))
        address = f"{PAGE}?list=breast_cancer"
        before = list(client.get(address).context["lines"])
        kept = [line.key for line in before if line.text != "Kadcyla"]
        answer = client.post(address, {"step": "switch", "active": kept}, follow=True)
        assert "1 word was changed" in answer.content.decode()
        assert not asking.hits_in_words(request.case_file, "on Kadcyla")
        assert asking.hits_in_words(other.case_file, "on Kadcyla") == [("Kadcyla", "Kadcyla")]
        client.post(address, {"step": "switch", "active": [line.key for line in before]})
        assert asking.hits_in_words(request.case_file, "on Kadcyla")
        assert AuditEvent.objects.filter(verb="giveaway_term.switched").count() == 2

    def test_a_list_of_the_clinics_own(self, client):
        request = told(diagnosis="sprue", icd10_code="K90.0")
        client.force_login(factories.coordinator(request.clinic))
        typed = NEW | {"concept": "", "new_concept": "Celiac disease", "kind": "synonym",
                       "term": "gluten enteropathy", "icd10_prefixes": "k90"}  # fmt: skip
        client.post(PAGE, typed)
        found = asking.hits_in_words(request.case_file, "enteropathy of gluten; K90.0")
        assert [text for text, _phrase in found] == ["enteropathy of gluten", "K90.0"]

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"term": "Trastuzumab"}, "on the list already"),
            ({"term": "--"}, "at least one letter"),
            ({"concept": "", "new_concept": ""}, "name for the new list"),
            ({"icd10_prefixes": "breast"}, "codes like K90"),
        ],
    )
    def test_bad_input_is_refused_by_a_sentence(self, client, change, sentence):
        client.force_login(factories.coordinator())
        answer = client.post(PAGE, NEW | change)
        assert sentence in answer.content.decode()
        assert not GiveawayTerm.objects.exists()

    def test_the_page_costs_the_same_for_any_length(self, client, django_assert_max_num_queries):
        coordinator = factories.coordinator()
        client.force_login(coordinator)
        clinic = coordinator.memberships.get().clinic
        for n in range(30):
            GiveawayTerm.objects.create(
                clinic=clinic, concept="breast_cancer", kind="drug", term=f"drug {n}",
                added_by=coordinator,
            )  # fmt: skip
        with django_assert_max_num_queries(20):
            client.get(f"{PAGE}?list=breast_cancer")
