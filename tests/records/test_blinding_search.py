"""What would give the first opinion away is found, with where and why; late finds hide again."""

from __future__ import annotations

import shutil

import pytest

from records.blinding_search import asking, passages, shipped
from records.blinding_search.matching import Finder, Phrase
from records.blinding_search.passages import Passage
from records.blinding_search.shipped import is_plain
from records.blinding_search.terms import phrases_for
from records.models import (
    BlindingHit,
    BlindingSearch,
    Document,
    GiveawayTerm,
    IcdCode,
    OriginalDiagnosis,
)
from records.tasks import search_item
from secondop.audit.models import AuditEvent
from secondop.notifications.models import Notification
from tests import factories
from tests.records import files
from tests.records.ready import screened, told

LISTED = [
    Phrase("breast cancer", "synonym"),
    Phrase("invasive ductal carcinoma", "synonym"),
    Phrase("cáncer de mama", "synonym"),
    Phrase("hernia discal", "synonym"),
    Phrase("metastasis", "synonym"),
    Phrase("IDC", "abbreviation", is_short=True),
    Phrase("MS", "diagnosis", is_short=True),
    Phrase("AC-T", "regimen", is_short=True),
    Phrase("mastectomy", "treatment", is_typed=True),
    Phrase("cold", "diagnosis", is_typed=True),
    Phrase("fracture", "diagnosis", is_typed=True),
    Phrase("Brown", "doctor", is_name=True),
    Phrase("García", "doctor"),
]


def found(text: str, **options: bool) -> list[str]:
    finder = Finder(LISTED, shipped.everyday())
    return [" ".join(text[m.start : m.end].split()) for m in finder.find(text, **options)]


class TestMatching:
    @pytest.mark.parametrize(
        "text",
        [
            "BREAST CANCER", "Breast cancers", "cancer of the left breast", "Cáncer  de la mama",
            "CANCER DE MAMA", "cánceres de mama", "inva-\nsive ductal\ncarcinoma",
            "INVASIVE DUCTAL CARCI\u0002\r\nNOMA", "invasive duc\u00adtal carcinoma",
            "hernias discales", "metastases", "b r e a s t  c a n c e r", "Stage II IDC, left",
            "br\u0435ast c\u0430ncer", "mastectomies", "mastectmoy", "masectomy", "AC-T x4",
            "invasiveductalcarcinoma", "MS suspected", "(MS)", "caught a cold", "fractures",
            "the hernia is discal", "cancer, breast", "seen by Brown", "Dr. brown", "Dra. GARCIA",
            "garcia", "mastectomía", "1\nIDC", "pT2 IDC", "Brown",
            "Optic neuritis, MS. No relapse", "history of MS, PT ordered", "In 2010 MS was found",
            "She has MS. The lesions are new", "metástasis", "invasive ductal carcinnoma",
        ],
    )  # fmt: skip
    def test_it_is_found_however_it_is_written(self, text):
        assert found(text)

    @pytest.mark.parametrize(
        "text",
        [
            "TR 2000 MS", "MS. Smith was seen", "Jane Doe, M.S.",
            "TE 5 MS", "5 ms", "12ms", "Ms. Smith", "MS, RN", "items", "a cold compress",
            "cold intolerance", "scolded", "The breast. Cancer of the skin is not meant",
            "brown stool", "an ACT of kindness", "an act of kindness", "ductal ectasia",
            "breast\n\ncancer-free", "master economy", "MSEC", "hernia inguinal",
            "the cancer clinic for breast",
        ],
    )  # fmt: skip
    def test_what_means_something_else_is_left_alone(self, text):
        assert not found(text)

    def test_names_of_files_are_cut_where_words_begin(self):
        for name in [
            "breast_cancer.pdf", "BreastCancerIDC.pdf", "breastcancer2020.pdf", "ms.pdf",
            "cold.pdf", "informe-cancerMama.pdf", "2020GarciaMRI.dcm",
        ]:  # fmt: skip
            assert found(name, is_name=True), name
        assert not found("scan_0012_left.pdf", is_name=True)

    def test_letters_a_reader_of_pictures_confuses_are_the_same(self):
        assert found("invasive ducta1 carcinorna", is_read=True)
        assert found("hemia discal", is_read=True) and not found("hemia discal")
        # Their traces stand in text layers that another machine made.
        for text in ("hernia disca1", "rnastectomy", "invasive ducta1 carcinorna"):
            assert found(text), text
        assert not found("1DC, br3ast, G0111, disc5")

    def test_one_place_is_one_match_the_longest(self):
        phrases = [Phrase("carcinoma", "synonym"), *LISTED]
        text = "Infiltrating: invasive ductal carcinoma."
        [match] = Finder(phrases).find(text)
        assert text[match.start : match.end] == "invasive ductal carcinoma"


def test_the_shipped_list_is_rich_and_plain_words_stay_out():
    wanted = {"breast_cancer", "prostate_cancer", "lung_cancer", "brain_tumor", "lumbar_spine",
              "multiple_sclerosis", "heart_valve", "thyroid"}  # fmt: skip
    lists = shipped.concepts()
    assert wanted <= set(lists)
    for key in wanted:
        terms = lists[key].terms
        spoken = {term.language for term in terms if term.kind == "synonym"}
        assert len(terms) > 60 and spoken == {"en", "es"}, key
        assert len({(term.key, term.kind) for term in terms}) > 0.8 * len(terms)
    assert all(map(is_plain, ["recommended", "breast", "surgery", "tratamiento", "derecha"]))
    assert not any(map(is_plain, ["mastectomy", "carcinoma", "fractura", "quimioterapia"]))


@pytest.mark.django_db
class TestTerms:
    def finds(self, opinion_request, text: str) -> set[str]:
        finder = Finder(phrases_for(opinion_request.case_file), shipped.everyday())
        return {text[m.start : m.end] for m in finder.find(text)}

    def test_they_come_from_what_was_typed_its_code_and_the_lists(self):
        IcdCode.objects.update_or_create(
            code="G35", defaults={"title": "Multiple sclerosis", "search_text": "", "is_billable":
                                  True, "inclusion_terms": "Disseminated multiple sclerosis"}
        )  # fmt: skip
        request = told(
            diagnosis="ms", icd10_code="G35", treatment="Start Ocrevus infusions",
            doctor_name="Dra. Pilar Ferrer Iglesias", hospital_name="Hospital Quirónsalud Norte",
        )  # fmt: skip
        text = ("RRMS since 2019; G35 was coded. esclerosis múltiple. ocrelizumab (OCREVUS). "
                "Seen by ferrer iglesias at Quironsalud. TE 90 ms. infusions")  # fmt: skip
        assert self.finds(request, text) == {
            "RRMS", "G35", "esclerosis múltiple", "ocrelizumab", "OCREVUS", "ferrer iglesias",
            "Quironsalud", "infusions",
        }  # fmt: skip

    def test_a_misspelt_diagnosis_still_stands_for_its_concept(self):
        request = told(diagnosis="infiltrating ductal carcinma of the brest")
        assert "cáncer de mama" in self.finds(request, "Dx: cáncer de mama")
        assert "tamoxifen" in self.finds(request, "takes tamoxifen daily")
        assert "carcinoma" in self.finds(request, "no carcinoma")

    @pytest.mark.parametrize(
        ("typed", "code", "text", "expected"),
        [
            ("ra", "", "RA since 2011, no RAST test, on the ra", {"RA", "ra"}),
            ("heart failure", "", "Renal failure. No failure to attend. Heart failure; chf",
             {"Heart failure", "chf"}),
            ("insuficiencia mitral", "", "Insuficiencia renal. Insuficiencia mitral grave",
             {"Insuficiencia mitral"}),
            ("failure", "", "A failure of the heart", {"failure"}),
            ("hip replacement", "", "Fluid replacement. A replacement of the hip",
             {"replacement of the hip"}),
            ("Heart attack (MI)", "", "Prior MI. Mi madre vive en Ann Arbor, MI 48104", {"MI"}),
            ("mi corazón falla", "", "Vive con mi madre. An old MI", set()),
            ("Nodule seen on CT", "", "CT of the chest. A CT.", set()),
            ("TB", "", "Old TB. TBI was excluded; PTB", {"TB"}),
            ("adenocarcinma", "", "An adenocarcinoma; the adenoma is benign", {"adenocarcinoma"}),
            ("NSCLC (stage IIIA)", "", "NYHA IIIA. Known NSCLC", {"NSCLC"}),
            ("pnumonia and/or TB", "", "Pneumonia? TB?", {"Pneumonia", "TB"}),
            ("neumonía", "", "Pneumonia of the left lung", {"Pneumonia"}),
            ("lymphoma", "", "Linfoma del bazo; lymphomas", {"Linfoma", "lymphomas"}),
            ("leukemia", "", "Leucemia, formerly leukaemia", {"Leucemia", "leukaemia"}),
            ("esophageal stenosis", "", "Estenosis; Oesophageal stenosis",
             {"Estenosis", "Oesophageal stenosis"}),
            ("gowt", "M10.9", "Gout of the left foot", {"Gout"}),
            ("heart failure\nkidney stones; cold", "", "Heart failure. The heart. Kidney stones.",
             {"Heart failure", "Kidney stones"}),
            ("1. Heart failure 2. Gout", "", "Gout, heart failure", {"Gout", "heart failure"}),
            ("torn meniscus, left knee", "", "Left knee. A torn meniscus", {"torn meniscus"}),
            ("not known yet", "", "It is not known yet what it was", set()),
            ("the", "", "The liver and the spleen", set()),
            ("N/A", "", "Na 138, K 4, not a fracture", set()),
            ("no lo sé", "", "No se ve lesión; no lo sé", set()),
        ],
    )  # fmt: skip
    def test_odd_diagnoses_find_what_they_mean(self, typed, code, text, expected):
        IcdCode.objects.update_or_create(
            code="M10.9", defaults={"title": "Gout, unspecified", "search_text": "",
                                    "is_billable": True, "inclusion_terms": ""}
        )  # fmt: skip
        assert self.finds(told(diagnosis=typed, icd10_code=code, treatment=""), text) == expected

    def test_a_name_that_only_resembles_a_word_is_found_where_sentences_begin(self):
        request = told(doctor_name="Dr. Mira Castellane")
        text = "Castellane has followed her since the spring. Un castellano viejo."
        assert self.finds(request, text) == {"Castellane"}

    def test_a_piece_around_a_hit_begins_and_ends_with_whole_words(self):
        text = "Extraordinarily long sentences surround the carcinoma whichever direction they have"
        [one] = passages.search(Finder([Phrase("carcinoma", "")]), [Passage("words", text)])
        excerpt, at = one.excerpt()
        assert excerpt == "… long sentences surround the carcinoma whichever direction they have"
        assert excerpt[at:].startswith("carcinoma")

    def test_a_common_word_finds_itself_and_not_its_set_phrases(self):
        request = told(diagnosis="cold")
        assert self.finds(request, "She has a cold. Apply a cold pack.") == {"cold"}
        assert not self.finds(request, "A neutral letter about the left knee, without findings.")

    def test_a_clinic_adds_and_switches_off(self):
        request = told(diagnosis="breast cancer")
        admin = factories.administrator(request.clinic)
        own = {"clinic": request.clinic, "concept": "breast_cancer", "added_by": admin}
        GiveawayTerm.objects.create(**own, kind="drug", term="zanidatamab")
        GiveawayTerm.objects.create(**own, kind="drug", term="Tamoxifen", is_active=False)
        assert self.finds(request, "zanidatamab, not tamoxifen") == {"zanidatamab"}


@pytest.mark.django_db
class TestSearching:
    def test_a_pdf_its_name_and_what_was_asked_get_hits_with_places(self, run_jobs):
        request = told(diagnosis="Invasive ductal carcinoma")
        question = factories.add_question(request, "Is my breast cancer early?")
        document = screened(
            files.pdf(2, text="Biopsy: carcinoma"), request, name="carcinoma.pdf"
        )  # fmt: skip
        asking.search_item("question", question.pk, request.case_file)
        run_jobs()
        search = BlindingSearch.objects.get(about_type="document", about_id=document.pk)
        assert (search.status, search.hit_count, search.is_poorly_read) == ("done", 3, False)
        name, first, second = BlindingHit.objects.of("document", document.pk)
        assert (name.place, name.found, name.why) == ("file_name", "carcinoma", "diagnosis")
        assert (first.place, first.page, first.line, second.page) == ("page_text", 1, 1, 2)
        [[x0, y0, x1, y1]] = first.boxes
        assert 0 < x0 < x1 < 1 and 0 < y0 < y1 < 0.5
        assert first.excerpt[first.found_at :].startswith("carcinoma")
        [asked] = BlindingHit.objects.of("question", question.pk)
        assert (asked.place, asked.found, asked.why) == ("words", "breast cancer", "synonym")

    def test_asking_again_makes_an_older_run_worthless(self):
        request = told(diagnosis="carcinoma")
        document = screened(files.pdf(1, text="carcinoma"), request)
        older = BlindingSearch.claim(BlindingSearch.objects.get(about_id=document.pk).pk)
        asking.search_item("document", document.pk, request.case_file)
        from records.blinding_search import searching

        with older.attempt():
            searching.run(older)
        assert not BlindingHit.objects.exists()
        search_item(str(older.pk))
        assert BlindingHit.objects.count() == 1
        search_item(str(older.pk))  # a second bell for the same row changes nothing
        assert BlindingHit.objects.count() == 1

    def test_a_diagnosis_added_late_withholds_what_was_cleared_and_tells(self, run_jobs):
        request = told(diagnosis="")
        coordinator = factories.coordinator(request.clinic)
        document = screened(files.pdf(1, text="We saw a glioblastoma"), request)
        other = screened(files.pdf(1, text="We saw nothing"), request)
        run_jobs()
        Document.objects.filter(pk__in=[document.pk, other.pk]).update(
            blinding_class="clear", classified_by=coordinator, classified_at="2026-01-01T00:00Z"
        )
        OriginalDiagnosis.objects.update(diagnosis="Glioblastoma")
        asking.search_case_file(request.case_file)
        BlindingSearch.objects.update(run_after="2026-01-01T00:00Z")
        run_jobs()
        classes = dict(Document.objects.values_list("pk", "blinding_class"))
        assert (classes[document.pk], classes[other.pk]) == ("check", "clear")
        search = BlindingSearch.objects.get(about_id=document.pk)
        assert search.needs_another_look and search.another_look_since
        assert BlindingHit.objects.get(about_id=document.pk).is_new
        assert AuditEvent.objects.filter(verb="blinding.held_back").count() == 1
        [told_to] = Notification.objects.filter(message="another_look_needed")
        assert told_to.to == coordinator
        # A person clears it with the hits in view: the same hits do not take it back again.
        BlindingSearch.objects.update(needs_another_look=False)
        Document.objects.filter(pk=document.pk).update(blinding_class="clear")
        asking.search_item("document", document.pk, request.case_file)
        run_jobs()
        assert Document.objects.get(pk=document.pk).blinding_class == "clear"

    def test_what_is_taken_back_leaves_nothing_of_it(self, run_jobs):
        request = told(diagnosis="carcinoma")
        document = screened(files.pdf(1, text="carcinoma"), request)
        run_jobs()
        from records.blinding_search.searching import forget_removed

        Document.objects.filter(pk=document.pk).update(status="removed")
        forget_removed()
        assert not BlindingHit.objects.exists() and not BlindingSearch.objects.exists()


def test_tesseract_is_here_for_the_tests():
    """Elsewhere the product says plainly that pictures could not be read; see reading tests."""
    assert shutil.which("tesseract"), "apt-get install tesseract-ocr tesseract-ocr-spa"


class TestHostileWords:
    def test_endless_words_and_gaps_cost_no_time(self):
        """A hundred thousand letters in a row once kept a worker busy for hours."""
        from time import perf_counter

        from records.blinding_search.matching import Finder, Phrase

        finder = Finder([Phrase("glioblastoma", why="", is_typed=True)])
        begun = perf_counter()
        for text in (
            "x" * 200_000, "e" * 200_000, "ab-" * 60_000, "a " * 100_000, "-\n" * 100_000,
            "word-" + "\n" * 200_000 + "# next", "\u00ad" * 200_000, "x\u0301" * 100_000,
        ):  # fmt: skip
            assert finder.find(text + " a glio-blastoma") != []
        assert perf_counter() - begun < 30  # about two seconds; without bounds it is hours
