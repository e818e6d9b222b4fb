"""The plain pages of images: by sight, without JavaScript."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records import grants, imaging_workflow
from records.dicom import thumbnails
from records.models import ImagingInstance, ImagingPack, ImagingPicture, ImagingSeries, ImagingStudy
from tests import factories
from tests.records.dicom.samples import as_bytes, clear, ct, store, without_a_name
from tests.records.imaging.pages import page, path_for_a_name, reader_of, text
from tests.secondop.api.dicomweb_files import signed_in, stow, whole

pytestmark = pytest.mark.django_db


class TestTheList:
    def test_it_tells_who_fills_the_file_everything(self, case_file, patient):
        store(case_file, as_bytes(ct(1, SliceThickness="2.5", ContrastBolusAgent="Iohexol",
                                     BodyPartExamined="CHEST")), as_bytes(ct(2)))  # fmt: skip
        store(case_file, as_bytes(ct(1, series="1.2.3.4.9", Modality="SR", SeriesDescription="")))
        shown = text(page(patient, case_file))
        for words in ("CT chest, carcinoma follow-up", "Thorax", "CT scan", "Chest", "Jan. 15,",
                      "2024", "2.5 mm", "Iohexol", "Received"):  # fmt: skip
            assert words in shown, words
        series = ImagingSeries.objects.get(SeriesInstanceUID="1.2.3.4.5")
        assert reverse("records:images_series", args=[series.pk]) in shown
        assert "/thumbnail" in shown
        assert "Example^Maria" not in shown

    def test_it_is_not_found_by_a_stranger(self, case_file):
        store(case_file, as_bytes(ct(1)))
        assert page(signed_in(factories.UserFactory()), case_file).status_code == 404

    def test_an_empty_file_says_so(self, case_file, patient):
        assert "No images are here yet" in text(page(patient, case_file))
        assert "No images are open to you" in text(page(reader_of(case_file, "sealed"), case_file))

    def test_held_and_damaged_studies_are_named_to_who_fills(self, case_file, patient):
        without_a_name(case_file)
        other = ct(1, study="1.2.9", PatientName="B^C", PatientID="P2", PatientBirthDate="19500101")
        store(case_file, as_bytes(ct(1)), as_bytes(other))
        assert "The images name different people" in text(page(patient, case_file))
        pack = ImagingPack.objects.get()
        ImagingStudy.objects.update(status="available")
        imaging_workflow.quarantine_pack(pack)
        shown = text(page(patient, case_file))
        assert "Our copy of these images is damaged" in shown
        assert "/thumbnail" not in shown
        full = text(page(reader_of(case_file, "full"), case_file))
        assert "damaged" not in full
        assert "No images are open" in full

    def test_what_was_refused_has_its_sentence(self, case_file, patient):
        stow(patient, case_file, as_bytes(ct(1)), b"nothing", path_for_a_name())
        shown = text(page(patient, case_file))
        assert "This is not an image we can read" in shown
        assert "does not carry a valid image number" in shown
        assert "What was not taken" not in text(page(reader_of(case_file, "full"), case_file))

    def test_no_preview_is_said_once_it_was_tried(self, case_file, patient):
        store(case_file, as_bytes(ct(1)))
        one = ImagingInstance.objects.get()
        ImagingPicture.objects.create(
            instance=one, clinic_id=one.clinic_id, case_file=case_file, frame=1,
            edge=thumbnails.EDGE,
        )  # fmt: skip
        shown = text(page(patient, case_file))
        assert "No preview" in shown
        assert "/thumbnail" not in shown

    def test_queries_do_not_grow(self, case_file, staff):
        store(case_file, as_bytes(ct(1)))
        client = signed_in(staff)
        page(client, case_file)
        many = [ct(n, study=f"1.2.{n}", series=f"1.2.{n}.{m}") for n in range(20, 29)
                for m in (1, 2)]  # fmt: skip
        store(case_file, *map(as_bytes, many))
        asked = []
        more = [ct(n, study=f"1.3.{n}", series=f"1.3.{n}.1") for n in range(20, 27)]
        for files in ([], [], more, []):  # the first look at a study writes that it was opened
            store(case_file, *map(as_bytes, files))
            with CaptureQueriesContext(connection) as seen:
                assert page(client, case_file).status_code == 200
            asked.append(len(seen.captured_queries))
        assert asked[0] > asked[1] == asked[3] <= 45, asked


class TestSealed:
    def test_it_shows_only_cleared_series_under_neutral_names(self, case_file):
        reader = reader_of(case_file, "sealed")
        store(case_file, as_bytes(ct(1, SliceThickness="2.5", ContrastBolusAgent="Iohexol")))
        clear(case_file)
        before = text(page(reader, case_file))
        store(case_file, as_bytes(ct(1, series="1.2.3.4.6", SeriesDescription="Metastasis")))
        store(case_file, as_bytes(ct(1, study="1.2.8", series="1.2.8.1")))
        shown = text(page(reader, case_file))
        assert shown == before
        assert "CT scan 1" in shown
        assert "2.5 mm" in shown
        for secret in ("carcinoma", "Thorax", "2024", "1.2.3.4", "Iohexol", "Metastasis", "kB"):
            assert secret not in shown, secret
        series = ImagingSeries.objects.get(SeriesInstanceUID="1.2.3.4.5")
        one = text(reader.get(reverse("records:images_series", args=[series.pk])))
        assert series.alias_uid in one
        for secret in ("carcinoma", "Thorax", "1.2.3.4.5"):
            assert secret not in one, secret

    def test_a_series_that_is_not_cleared_is_not_found(self, case_file):
        store(case_file, as_bytes(ct(1)))
        series = ImagingSeries.objects.get()
        reader = reader_of(case_file, "sealed")
        assert reader.get(reverse("records:images_series", args=[series.pk])).status_code == 404

    def test_a_coordinator_who_reviews_sealed_decides_nothing(self, case_file, staff):
        store(case_file, as_bytes(ct(1)))
        from secondop.accounts.models import Membership

        Membership.objects.create(user=staff, clinic=case_file.clinic, role="specialist")
        until = timezone.now() + timedelta(days=2)
        grants.grant(
            case_file, to=staff, as_role="specialist", sight="sealed", until=until, by=None
        )
        client, series = signed_in(staff), ImagingSeries.objects.get()
        assert "What the specialist may see" not in text(page(client, case_file))
        path = reverse("records:images_classify", args=[series.pk])
        assert client.post(path, {"decision": "clear"}).status_code == 404
        for name, pk in (("images_decide", series.study_id), ("images_remove", series.study_id),
                         ("images_cover", series.pk)):  # fmt: skip
            assert client.post(reverse(f"records:{name}", args=[pk])).status_code == 404
        assert client.get(reverse("records:inlets", args=[case_file.pk])).status_code == 404


class TestOneSeries:
    def test_pictures_follow_each_other_without_scripts(self, case_file, patient):
        store(case_file, *(as_bytes(ct(n)) for n in range(1, 16)))
        path = reverse("records:images_series", args=[ImagingSeries.objects.get().pk])
        first = text(patient.get(path + "?picture=1"))
        assert "Picture 1 of 15" in first
        assert "?picture=2#picture" in first
        assert "?picture=11#picture" in first
        assert 'rel="prev"' not in first
        assert 'rel="next"' not in text(patient.get(path + "?picture=999"))
        assert "Picture 8 of 15" in text(patient.get(path))
        assert "Picture 1 of 15" in text(patient.get(path + "?picture=%C2%B2"))
        sheet = text(patient.get(path + "?show=sheet&picture=14"))
        assert "Pictures 13 to 15 of 15" in sheet
        assert sheet.count("/rendered?viewport=512,512") == 3
        url = first.split('<img src="')[1].split('"')[0]
        assert whole(patient.get(url)).startswith(b"\xff\xd8\xff")

    def test_frames_of_one_object_are_pictures_too(self, case_file, patient):
        data = ct(1, NumberOfFrames="3")
        data.PixelData = data.PixelData * 3
        store(case_file, as_bytes(data))
        path = reverse("records:images_series", args=[ImagingSeries.objects.get().pk])
        assert "/frames/3/rendered" in text(patient.get(path + "?picture=3"))
