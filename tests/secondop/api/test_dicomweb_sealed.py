"""A sealed reader meets only what a person cleared, as projections under aliases."""

import json
from io import BytesIO

import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from records import grants, imaging_workflow
from records.models import ImagingSeries, ImagingStudy
from secondop.lib.verdicts import Refused
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.records.dicom.slides import PATH, a_slide
from tests.secondop.api.dicomweb_files import every_answer, granted, root, signed_in, whole

pytestmark = pytest.mark.django_db
TEXT = {"LO", "LT", "SH", "ST", "UT", "UC", "PN", "CS"}


@pytest.fixture
def case_file():
    return a_case_file()


@pytest.fixture
def reader(case_file):
    user = factories.specialist(case_file.clinic).user
    granted(case_file, user, "sealed")
    return signed_in(user)


def of_the_patient(case_file):
    """The planted name is nobody's: somebody at the clinic said whose images these are."""
    ImagingStudy.objects.filter(case_file=case_file).update(status="available", problem="")


def canary(tag: int) -> str:
    return f"DX{tag:08X}ZZ"


@pytest.fixture(scope="module")
def planted():
    """One slice with a word of its own in every text attribute and coded sequence there is."""
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    data = ct(1)
    data.preamble = b"PREDX9ZZ" + bytes(120)
    for tag, (vr, _vm, _name, _retired, keyword) in DicomDictionary.items():
        if not keyword or tag >> 16 < 8 or tag in (0x00080005, 0x00080060, 0x00280004):
            continue
        if vr in TEXT:
            data.add_new(tag, vr, canary(tag))
        elif vr == "SQ":
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator = "C1", "SCT"
            item.CodeMeaning = canary(tag)
            item.ImageComments = canary(tag)
            data.add_new(tag, vr, Sequence([item]))
    for keyword in ("SliceThickness", "WindowCenter", "KVP"):  # a text where a number should be
        setattr(data, keyword, "7777777")
    data.InstanceNumber = 1
    data.add_new(0x00180088, "LO", "DXWRONGVRZZ")
    block = data.private_block(0x0099, "VENDOR DXPRIVZZ", create=True)
    block.add_new(1, "LO", "PRIVDX9ZZ")
    data.add_new(0x60000022, "LO", "OVDX9ZZ")
    data.file_meta.ImplementationVersionName = "IVDX9ZZ"
    raw = as_bytes(data).replace(b"7777777 ", b"DXNUMZZ ")
    yield data, raw
    pydicom.config.settings.writing_validation_mode = pydicom.config.RAISE


class TestSealed:
    def test_of_a_slide_the_tissue_comes_and_neither_label_nor_names(self, case_file, reader):
        files = a_slide(256)
        assert [r.problem for r in store(case_file, *files)] == [""] * 4
        clear(case_file)
        told = reader.get(f"{root(case_file)}/instances").json()
        assert len(told) == 3
        assert (
            len(signed_in(case_file.patient.user).get(f"{root(case_file)}/instances").json()) == 4
        )
        answers = b"".join(whole(r) for r in every_answer(reader, case_file))
        for word in (b"lumpectomy", PATH[:16].encode(), b"S24-11", b"LABEL"):
            assert any(word in file for file in files)
            assert word not in answers

    def test_no_planted_word_comes_out_anywhere(self, case_file, reader, planted):
        data, raw = planted
        assert raw.count(b"ZZ") > 2000
        assert [r.problem for r in store(case_file, raw)] == [""]
        of_the_patient(case_file)
        clear(case_file)
        answers = [(r.status_code, r.headers, whole(r)) for r in every_answer(reader, case_file)]
        assert sum(status == 200 for status, _headers, _body in answers) >= 12
        secrets = [
            b"ZZ",
            data.SOPInstanceUID.encode(),
            b"1.2.3.4",
            b"Example",
            b"20240115",
            b"ACC1",
        ]
        for _status, headers, body in answers:
            for secret in secrets:
                assert secret not in body
                assert secret.decode() not in str(headers)

    def test_a_reader_with_full_sight_sees_the_original(self, case_file, planted):
        _data, raw = planted
        store(case_file, raw)
        of_the_patient(case_file)
        user = factories.specialist(case_file.clinic).user
        granted(case_file, user, "full")
        bodies = b"".join(whole(r) for r in every_answer(signed_in(user), case_file))
        assert bodies.count(b"ZZ") > 2000
        assert raw[128:] in bodies

    def test_the_copy_is_a_valid_object_with_the_same_pixels(self, case_file, reader):
        data = ct(1)
        store(case_file, as_bytes(data))
        clear(case_file)
        study = reader.get(root(case_file) + "/studies").json()[0]["0020000D"]["Value"][0]
        body = whole(reader.get(f"{root(case_file)}/studies/{study}"))
        copy = pydicom.dcmread(BytesIO(body[body.index(b"\r\n\r\n") + 4 :]))
        assert copy.PixelData == data.PixelData
        assert copy.PatientName == copy.PatientID == case_file.alias
        assert copy.StudyInstanceUID == study != data.StudyInstanceUID
        assert (copy.Rows, copy.RescaleIntercept, copy.InstanceNumber) == (16, -1024, 1)
        assert copy.ImagePositionPatient == [0, 0, 1]
        assert "StudyDescription" not in copy
        assert copy.StudyDate == ""

    def test_aliases_differ_from_case_file_to_case_file(self, case_file):
        other = a_case_file()
        store(case_file, as_bytes(ct(1)))
        store(other, as_bytes(ct(1)))
        assert len(set(ImagingSeries.objects.values_list("alias_uid", flat=True))) == 2


class TestNotCleared:
    def test_it_does_not_exist(self, case_file, reader):
        data = ct(1)
        store(case_file, as_bytes(data))
        assert reader.get(root(case_file) + "/studies").json() == []
        alias = ImagingSeries.objects.select_related("study").get()
        path = f"{root(case_file)}/studies/{alias.study.alias_uid}"
        for end in ("/series", "/metadata", f"/series/{alias.alias_uid}/metadata", ""):
            assert reader.get(path + end).status_code == 404
        real = f"{root(case_file)}/studies/{data.StudyInstanceUID}"
        assert reader.get(real + "/series").status_code == 404

    def test_adding_a_withheld_series_changes_no_answer(self, case_file, reader):
        """Non-interference: with or without it, every byte a sealed reader gets is the same."""
        store(case_file, as_bytes(ct(1)))
        clear(case_file)

        def told():
            return [
                (r.status_code, whole(r) if r["Content-Type"].endswith("json") else b"")
                for r in every_answer(reader, case_file)
            ]

        before = told()
        store(case_file, as_bytes(ct(1, series="1.2.3.4.6", SeriesNumber=1, Modality="SR")))
        store(case_file, as_bytes(ct(1, study="1.2.8", series="1.2.8.1")))
        assert told() == before

    def test_reports_in_a_cleared_series_stay_closed(self, case_file, reader):
        report = ct(2)
        report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
        store(case_file, as_bytes(ct(1)), as_bytes(report))
        clear(case_file)
        study = reader.get(root(case_file) + "/studies").json()[0]
        assert study["00201208"]["Value"] == [1]
        uid = study["0020000D"]["Value"][0]
        assert len(reader.get(f"{root(case_file)}/studies/{uid}/metadata").json()) == 1

    def test_the_end_of_a_grant_ends_reading_at_once(self, case_file):
        user = factories.specialist(case_file.clinic).user
        granted(case_file, user, "sealed")
        client = signed_in(user)
        assert client.get(root(case_file) + "/studies").status_code == 200
        grants.revoke(case_file, to=user, by=None)
        assert client.get(root(case_file) + "/studies").status_code == 404

    def test_a_sealed_reader_cannot_store(self, case_file, reader):
        from tests.secondop.api.dicomweb_files import stow

        assert stow(reader, case_file, as_bytes(ct(1))).status_code == 403


class TestClassify:
    def test_pictures_that_may_show_text_are_looked_at_first(self, case_file):
        store(case_file, as_bytes(ct(1, BurnedInAnnotation="YES")))
        series = ImagingSeries.objects.get()
        by = factories.coordinator(case_file.clinic)
        with pytest.raises(Refused, match="Look at the pictures"):
            imaging_workflow.classify(series, "clear", by=by)
        imaging_workflow.classify(series, "clear", by=by, has_seen_pictures=True)
        series.refresh_from_db()
        assert (series.blinding_class, series.classified_by) == ("clear", by)

    def test_nobody_else_decides(self, case_file):
        store(case_file, as_bytes(ct(1)))
        with pytest.raises(Refused):
            imaging_workflow.classify(
                ImagingSeries.objects.get(), "clear", by=case_file.patient.user
            )


def test_json_of_the_projection_is_plain(case_file, reader):
    store(case_file, as_bytes(ct(1)))
    clear(case_file)
    told = reader.get(root(case_file) + "/studies")
    assert json.loads(told.content)[0]["00100020"]["Value"] == [case_file.alias]


class TestANewSecretKey:
    """Aliases are kept with the case file: whoever reads it goes on."""

    def test_what_was_received_before_and_after_has_one_set_of_names(self, case_file, settings):
        user = factories.specialist(case_file.clinic).user
        granted(case_file, user, "sealed")
        store(case_file, as_bytes(ct(1)))
        clear(case_file)
        before = list(signed_in(user).get(root(case_file) + "/studies").json())
        settings.SECRET_KEY = "a new key of this installation"
        case_file.refresh_from_db()
        store(case_file, as_bytes(ct(2)))
        clear(case_file)
        client = signed_in(user)
        studies = client.get(root(case_file) + "/studies").json()
        assert [one["0020000D"] for one in studies] == [one["0020000D"] for one in before]
        base = f"{root(case_file)}/studies/{studies[0]['0020000D']['Value'][0]}"
        for turn in ("the long way", "the short way"):
            headers = client.get(base + "/metadata").json()
            assert len(headers) == 2, turn
            for header in headers:
                series, uid = (header[tag]["Value"][0] for tag in ("0020000E", "00080018"))
                at = f"{base}/series/{series}"
                assert client.get(f"{at}/instances/{uid}/frames/1").status_code == 200
                told = client.get(f"{at}/metadata").json()
                assert uid in {one["00080018"]["Value"][0] for one in told}
