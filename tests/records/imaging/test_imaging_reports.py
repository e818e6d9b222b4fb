"""Reports among the images: their words on a page, in full sight alone."""

import html
import re
from pathlib import Path

import pydicom
import pytest
from django.urls import reverse
from django.utils import translation
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from records import imaging_reports
from records.imaging import view_of
from records.models import ImagingSeries
from tests import factories
from tests.records.dicom.samples import as_bytes, clear, ct, store
from tests.records.imaging.pages import page, reader_of, text
from tests.secondop.api.dicomweb_files import signed_in

pytestmark = pytest.mark.django_db
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"
BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
LETTER = "1.2.840.10008.5.1.4.1.1.104.1"


def code(meaning: str, value: str = "1", scheme: str = "99TEST") -> Dataset:
    found, told = Dataset(), Code(value, scheme, meaning)
    found.CodeValue, found.CodingSchemeDesignator = told.value, told.scheme_designator
    found.CodeMeaning = told.meaning
    return found


def item(kind: str, name: str, *below: Dataset, relation: str = "CONTAINS", **more) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    if name:
        made.ConceptNameCodeSequence = [code(name)]
    if below:
        made.ContentSequence = list(below)
    for keyword, value in more.items():
        setattr(made, keyword, value)
    return made


def number(name: str, value: str, unit: str, scheme: str = "UCUM", *below: Dataset) -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [code("a long unit", unit, scheme)]
    return item("NUM", name, *below, MeasuredValueSequence=[measured])


def pointing_at(uid: str, name: str = "", **more) -> Dataset:
    one = Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    return item("IMAGE", name, ReferencedSOPSequence=[one], **more)


def a_report(*items: Dataset, title: str = "CT report", **more) -> bytes:
    data = ct(1, series="1.2.3.4.9", SOPClassUID=BASIC_TEXT, Modality="SR",
              SeriesDescription="Findings of the CT", **more)  # fmt: skip
    del data.PixelData, data.Rows, data.Columns
    data.ContentDate, data.VerificationFlag, data.CompletionFlag = (
        "20240116",
        "UNVERIFIED",
        "PARTIAL",
    )
    data.ValueType, data.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data.ConceptNameCodeSequence = [code(title)]
    data.ContentSequence = list(items)
    return as_bytes(data)


def address() -> str:
    series = ImagingSeries.objects.exclude(modality="CT").get()
    return reverse("records:images_series", args=[series.pk])


def words(response) -> str:
    """The text of the page's main part, blanks joined."""
    main = text(response).partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


class TestThePage:
    def test_it_says_headings_codes_numbers_and_what_is_pointed_at(self, case_file, patient):
        here = ct(7)
        by_place = Dataset()
        by_place.RelationshipType, by_place.ReferencedContentItemIdentifier = (
            "INFERRED FROM",
            [1, 1],
        )
        store(case_file, as_bytes(here), a_report(
            item("TEXT", "History", TextValue="Cough.\r\nSmoker <b>once</b>."),
            item("CONTAINER", "Findings",
                 number("Diameter", "5.5", "mm"), number("Count", "2", "1"),
                 number("Uptake", "6.25", "{SUVbw}g/ml", "UCUM",
                        item("CODE", "Derivation", relation="HAS CONCEPT MOD",
                             ConceptCodeSequence=[code("Mean")])),
                 item("CODE", "Finding", by_place,
                      pointing_at(here.SOPInstanceUID, "Source", relation="INFERRED FROM"),
                      ConceptCodeSequence=[code("Nodule")]),
                 pointing_at("1.9.9"), pointing_at("1.9.8")),
            item("PNAME", "Observer", PersonName="Doctor^Ann"),
            item("DATETIME", "Seen", DateTime="20240116101500"),
            item("UIDREF", "Tracking", UID="1.2.3"),
        ))  # fmt: skip
        listed = text(page(patient, case_file))
        assert "this is text" in listed
        assert address() in listed
        said = words(patient.get(address()))
        for part in (
            "Findings of the CT", "CT report", "History: Cough. Smoker <b>once</b>.", "Findings",
            "Diameter: 5.5 mm", "Count: 2", "Uptake: 6.25 a long unit (Derivation: Mean)",
            "Finding: Nodule", "see: History: Cough.", "Because of Source: image 7 of Thorax",
            "an image that is not in this case file (2)", "Observer: Ann Doctor",
            "Seen: Jan. 16, 2024, 10:15 a.m.", "without a signature, not complete", "Jan. 16, 2024",
        ):  # fmt: skip
            assert part in said, part
        assert "Tracking" not in said
        assert said.index("CT report") < said.index("Diameter") < said.index("Observer")
        with translation.override("es"):
            spanish = patient.get(address(), headers={"accept-language": "es"}).content.decode()
        assert "5,5 mm" in html.unescape(re.sub(r"<[^>]*>", "", spanish))

    def test_sentences_flow_and_long_reports_come_in_parts(self, case_file, patient):
        flowing = item(
            "CONTAINER", "", item("TEXT", "a", TextValue="A mass of"),
            number("Diameter", "3", "cm"), item("TEXT", "b", TextValue="was seen."),
            ContinuityOfContent="CONTINUOUS",
        )  # fmt: skip
        long = [item("TEXT", f"Note {n}", TextValue=f"{n} " + "word " * 400) for n in range(60)]
        store(case_file, a_report(flowing, *long))
        assert "A mass of 3 cm was seen." in words(patient.get(address()))
        assert "Note 59" not in words(patient.get(address()))
        assert "Note 59" in words(patient.get(f"{address()}?part=99"))

    def test_one_that_is_too_large_says_so(self, case_file, patient, monkeypatch):
        monkeypatch.setattr(imaging_reports, "MAX_BYTES", 100)
        store(case_file, a_report(item("TEXT", "History", TextValue="Cough.")))
        assert "too large for this page" in words(patient.get(address()))

    def test_a_letter_is_opened_as_pdf(self, case_file, patient):
        letter = ct(1, series="1.2.3.4.9", SOPClassUID=LETTER, Modality="DOC")
        del letter.PixelData, letter.Rows, letter.Columns
        letter.MIMETypeOfEncapsulatedDocument = "application/pdf"
        letter.EncapsulatedDocument = b"%PDF-1.4 " + b"x" * 99
        store(case_file, as_bytes(letter))
        shown = text(patient.get(address()))
        url = re.search(r'href="([^"]+/rendered)"', shown)[1]
        told = patient.get(url, headers={"accept": "text/html,*/*;q=0.8"})
        assert told["Content-Type"] == "application/pdf"


class TestSight:
    def test_a_sealed_reader_gets_none_of_it_even_when_it_was_cleared(self, case_file):
        store(
            case_file, as_bytes(ct(1)), a_report(item("TEXT", "Diagnosis", TextValue="Carcinoma"))
        )
        reader = reader_of(case_file, "sealed")
        clear(case_file)
        assert reader.get(address()).status_code == 404
        assert address() not in text(page(reader, case_file))
        series = ImagingSeries.objects.get(modality="SR")
        view = view_of(reader_user(reader), case_file.pk)
        assert imaging_reports.page_of(view, series, "") is None  # were it found in another way
        assert "Carcinoma" in words(reader_of(case_file, "full").get(address()))
        assert signed_in(factories.UserFactory()).get(address()).status_code == 404


def reader_user(client):
    from django.contrib.auth import get_user

    class Request:
        session = client.session

    return get_user(Request())


@pytest.mark.skipif(not DATA.exists(), reason="the shared records are not on this machine")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "test-SR.dcm",
            ("A mass of 3 cm was detected.", "Jörg Riesmeier, OFFIS e.V.", "with a signature"),
        ),
        ("reportsi.dcm", ("Section Heading", "Report Text: Enter text")),
        ("report_dfl", ("Squamous cell carcinoma", "Treatment: The plan of treatment is")),
        (
            "qin-headneck/sr.dcm",
            ("Volume: 33.5824 ml", "Finding: Neoplasm, Primary", "case file (191)"),
        ),
    ],
)
def test_real_reports_are_read(case_file, patient, name, expected):
    data = pydicom.dcmread(DATA / "08-non-image-objects" / name)
    data.PatientName, data.PatientBirthDate = "Example^Maria", "19700314"
    store(case_file, as_bytes(data))
    said = words(patient.get(address()))
    for part in expected:
        assert part in said, said[:2000]
