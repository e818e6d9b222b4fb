"""The plain pages of images: by sight, without JavaScript, and what is decided there."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from records import grants, imaging_desk_workflow, imaging_workflow
from records.dicom import packs, thumbnails
from records.models import (
    ImagingCover,
    ImagingInstance,
    ImagingPack,
    ImagingPicture,
    ImagingRemoval,
    ImagingSeries,
    ImagingStudy,
)
from secondop.audit.models import AuditEvent
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store, without_a_name
from tests.secondop.api.dicomweb_files import signed_in, stow, whole

pytestmark = pytest.mark.django_db
MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture
def case_file():
    return a_case_file()


@pytest.fixture
def patient(case_file):
    return signed_in(case_file.patient.user)


@pytest.fixture
def staff(case_file):
    return factories.coordinator(case_file.clinic)


def path_for_a_name():
    """An object whose number is a path."""
    data = ct(1, SOPInstanceUID="1.2.3.4.5.6")
    return as_bytes(data).replace(b"1.2.3.4.5.6", b"../../a/b.c")


def reader_of(case_file, sight, kind="specialist"):
    user = getattr(factories, kind)(case_file.clinic)
    user = getattr(user, "user", user)
    until = timezone.now() + timedelta(days=2)
    grants.grant(case_file, to=user, as_role=kind, sight=sight, until=until, by=None)
    return signed_in(user)


def page(client, case_file):
    return client.get(reverse("records:images", args=[case_file.pk]))


def text(response):
    """Without what differs from answer to answer."""
    tokens = r'"X-CSRFToken": "\w+"|name="csrfmiddlewaretoken" value="\w+"'
    return re.sub(tokens, "", response.content.decode())


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


class TestTheDesk:
    def decide(self, client, series, **data):
        return client.post(reverse("records:images_classify", args=[series.pk]), data)

    def test_clearing_keeping_back_and_undo(self, case_file, staff):
        store(case_file, as_bytes(ct(1)))
        series, client = ImagingSeries.objects.get(), signed_in(staff)
        shown = text(page(client, case_file))
        assert "Show to the specialist" in shown
        assert "I looked at every picture" not in shown
        for decision, kept in (("clear", "clear"), ("undo", ""), ("withheld", "withheld")):
            assert self.decide(client, series, decision=decision).status_code == 302
            series.refresh_from_db()
            assert series.blinding_class == kept
            assert bool(series.classified_by) is bool(kept)
        assert "Take the decision back" in text(page(client, case_file))
        assert self.decide(client, series, decision="whatever").status_code == 409

    def test_letters_must_be_looked_for(self, case_file, staff):
        store(case_file, *(as_bytes(ct(n, Modality="SC", ImageType=["DERIVED", "SECONDARY"]))
                           for n in (1, 2, 3, 4, 5)))  # fmt: skip
        series, client = ImagingSeries.objects.get(), signed_in(staff)
        shown = text(page(client, case_file))
        assert "I looked at every picture" in shown
        assert shown.count("/rendered?viewport=512,512") == 5
        assert self.decide(client, series, decision="clear").status_code == 409
        answer = self.decide(client, series, decision="clear", has_seen_pictures="yes")
        assert answer.status_code == 302
        event = AuditEvent.objects.filter(verb="imaging.classified").latest("number")
        assert event.details["has_seen_pictures"] is True

    def test_nobody_else_may(self, case_file, patient):
        store(case_file, as_bytes(ct(1)))
        series = ImagingSeries.objects.get()
        assert self.decide(patient, series, decision="clear").status_code == 404
        assert (
            self.decide(reader_of(case_file, "full"), series, decision="clear").status_code == 404
        )

    def test_header_lines_are_for_the_desk_alone(self, case_file, staff, patient):
        store(case_file, as_bytes(ct(1, ImageComments="Mass in segment 4")))
        path = reverse("records:images_series", args=[ImagingSeries.objects.get().pk])
        shown = text(signed_in(staff).get(path))
        assert "ImageComments" in shown
        assert "Mass in segment 4" in shown
        assert "Mass in segment 4" not in text(patient.get(path))

    def test_held_studies_are_let_in_refused_and_held_again(self, case_file, staff, patient):
        without_a_name(case_file)
        other = ct(1, study="1.2.9", PatientName="B^C", PatientID="P2", PatientBirthDate="19500101")
        store(case_file, as_bytes(ct(1)), as_bytes(other))
        client = signed_in(staff)
        shown = text(page(client, case_file))
        assert "Example Maria" in shown
        assert "Jan. 1, 1950" in shown
        mine = ImagingStudy.objects.get(StudyInstanceUID="1.2.3.4")
        theirs = ImagingStudy.objects.get(StudyInstanceUID="1.2.9")

        def decide(study, decision, client=client):
            path = reverse("records:images_decide", args=[study.pk])
            answer = client.post(path, {"decision": decision})
            study.refresh_from_db()
            return answer.status_code

        assert decide(mine, "release", patient) == 404
        assert decide(mine, "release") == 302
        assert (mine.status, mine.problem) == ("available", "")
        assert decide(mine, "release") == 409
        assert decide(theirs, "refuse") == 302
        assert theirs.status == "rejected"
        assert "cannot use them" in text(page(patient, case_file))
        assert "B C" not in text(page(reader_of(case_file, "full"), case_file))
        store(case_file, as_bytes(ct(1, study="1.2.3.7", series="1.2.3.7.1")))
        assert ImagingStudy.objects.get(StudyInstanceUID="1.2.3.7").status == "available"
        assert decide(theirs, "reconsider") == 302
        assert decide(mine, "reconsider") == 302
        assert {mine.status, theirs.status} == {"held"}


class TestRemove:
    def test_the_patient_takes_a_study_back_and_may_send_it_again(
        self, case_file, patient, run_jobs
    ):
        files = [as_bytes(ct(n)) for n in (1, 2)]
        other = as_bytes(ct(3, study="1.2.5", series="1.2.5.1"))
        store(case_file, files[0], other, files[1])
        kept = packs.read(
            ImagingPack.objects.get().key,
            *ImagingInstance.objects.filter(InstanceNumber=3).values_list("offset", "size_bytes")[
                0
            ],
        )
        study = ImagingStudy.objects.get(StudyInstanceUID="1.2.3.4")
        path = reverse("records:images_remove", args=[study.pk])
        assert "Take these images back?" in text(patient.get(path))
        assert patient.post(path, {"reason": ""}).status_code == 400
        assert patient.post(path, {"reason": "They are of my sister."}).status_code == 302
        shown = text(page(patient, case_file))
        assert "They are of my sister." in shown
        assert "carcinoma" in shown  # the other study
        assert store(case_file, files[0])[0].is_new
        run_jobs()
        assert ImagingRemoval.objects.get().status == "done"
        assert not ImagingStudy.objects.filter(pk=study.pk).exists()
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2
        for pack in ImagingPack.objects.all():
            assert packs.is_intact(pack)
            whole_pack = packs.read(pack.key, 0, pack.size_bytes)
            assert files[1] not in whole_pack
        one = ImagingInstance.objects.get(InstanceNumber=3)
        assert packs.read(one.pack.key, one.offset, one.size_bytes) == kept == other
        frame = packs.read(one.pack.key, one.frame_offsets[0], one.frame_lengths[0])
        assert other.endswith(frame)
        assert one.SOPInstanceUID in packs.headers(one.pack)[one.header_line]
        assert AuditEvent.objects.filter(verb="imaging.erased").exists()

    def test_not_by_a_reader_and_not_by_the_patient_during_a_review(
        self, case_file, patient, staff
    ):
        store(case_file, as_bytes(ct(1)))
        study = ImagingStudy.objects.get()
        path = reverse("records:images_remove", args=[study.pk])
        reader = reader_of(case_file, "full")
        assert reader.get(path).status_code == 404
        type(case_file).objects.filter(pk=case_file.pk).update(is_open_for_records=False)
        assert patient.post(path, {"reason": "x"}).status_code == 409
        assert signed_in(staff).post(path, {"reason": "Another patient"}).status_code == 302
        assert "Another patient" not in text(page(reader, case_file))


class TestCover:
    def test_only_the_covered_copy_may_be_shown(self, case_file, staff, run_jobs):
        store(case_file, *(as_bytes(ct(n, BurnedInAnnotation="YES")) for n in (1, 2)))
        parent, client = ImagingSeries.objects.get(), signed_in(staff)
        path = reverse("records:images_cover", args=[parent.pk])
        assert "Make covered copies" in text(client.get(path))
        for wrong in ("", "1,2,3", "9,9,1,1", "0,0,2000,1", "a,b,c,d", "0,0,1,1\n" * 21):
            assert client.post(path, {"rectangles": wrong}).status_code == 400, wrong
        assert client.post(path, {"rectangles": "0, 0, 500, 250"}).status_code == 302
        assert client.post(path, {"rectangles": "0, 0, 500, 250"}).status_code == 409
        clear_it = reverse("records:images_classify", args=[parent.pk])
        seen = {"decision": "clear", "has_seen_pictures": "yes"}
        assert client.post(clear_it, seen).status_code == 409
        run_jobs()
        job = ImagingCover.objects.get()
        assert (job.status, job.done_count) == ("done", 2)
        copy = ImagingSeries.objects.get(parent=parent)
        assert (copy.instance_count, copy.may_show_text) == (2, True)
        assert client.post(clear_it, seen).status_code == 409
        shown = client.post(reverse("records:images_classify", args=[copy.pk]), seen)
        assert shown.status_code == 302
        self.look_at_pixels(case_file, parent, copy)

    def look_at_pixels(self, case_file, parent, copy):
        import io

        import numpy as np
        import pydicom

        reader = reader_of(case_file, "sealed")
        base = f"/case-files/{case_file.pk}/dicom-web/studies"
        told = reader.get(f"{base}/{copy.study.alias_uid}/series").json()
        assert [row["0020000E"]["Value"] for row in told] == [[copy.alias_uid]]
        one = copy.instances.order_by("InstanceNumber")[0]
        path = f"{base}/{copy.study.alias_uid}/series/{copy.alias_uid}/instances/{one.alias_uid}"
        body = whole(reader.get(path, headers={"accept": "application/dicom"}))
        data = pydicom.dcmread(io.BytesIO(body))
        pixels = data.pixel_array
        before = np.arange(256, dtype="<i2").reshape(16, 16) + 1
        assert (pixels[:4, :8] == before.min()).all()
        assert (pixels[4:] == before[4:]).all()
        assert (pixels[:4, 8:] == before[:4, 8:]).all()
        assert data.ImageType[0] == "DERIVED"
        original = parent.instances.order_by("InstanceNumber")[0]
        stored = packs.read(original.pack.key, original.offset, original.size_bytes)
        assert before.tobytes() in stored  # the parent is kept
        kept = packs.read(one.pack.key, one.offset, one.size_bytes)
        derived = pydicom.dcmread(io.BytesIO(kept))
        assert derived.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert derived.BurnedInAnnotation == "NO"
        assert derived.StudyInstanceUID == "1.2.3.4"
        assert derived.SOPInstanceUID != original.SOPInstanceUID
        assert "Thorax" not in str(derived)

    def test_compressed_colour_is_written_anew(self, case_file, staff, run_jobs):
        import io

        import numpy as np
        from PIL import Image

        picture = Image.fromarray(np.full((40, 60, 3), 200, "u1"))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=95)
        from pydicom.encaps import encapsulate

        data = ct(1, Modality="US", SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422",
                  PlanarConfiguration=0, Rows=40, Columns=60, BitsAllocated=8, BitsStored=8,
                  HighBit=7, PixelRepresentation=0)  # fmt: skip
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
        data.PixelData = encapsulate([out.getvalue()])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
        store(case_file, as_bytes(data))
        parent = ImagingSeries.objects.get()
        imaging_desk_workflow.order_cover(parent, [[500, 0, 1000, 1000]], by=staff)
        run_jobs()
        one = ImagingSeries.objects.get(parent=parent).instances.get()
        raw = packs.read(one.pack.key, one.frame_offsets[0], one.frame_lengths[0])
        pixels = np.frombuffer(raw, "u1").reshape(40, 60, 3)
        assert not pixels[:, 30:].any()
        assert (abs(pixels[:, :30].astype(int) - 200) < 12).all()
        assert one.TransferSyntaxUID == "1.2.840.10008.1.2.1"

    def test_what_nothing_decodes_is_not_covered(self, case_file, staff, run_jobs):
        data = ct(1)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.51"
        from pydicom.encaps import encapsulate

        data.PixelData = encapsulate([b"\xff\xd8 no picture"])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
        store(case_file, as_bytes(data))
        parent = ImagingSeries.objects.get()
        imaging_desk_workflow.order_cover(parent, [[0, 0, 10, 10]], by=staff)
        run_jobs()
        assert ImagingCover.objects.get().status == "dead"
        assert not ImagingSeries.objects.filter(parent=parent).exists()
        assert "could not be made" in text(page(signed_in(staff), case_file))


class TestDamage:
    def test_the_night_finds_it_and_staff_get_one_task(self, staff):
        from pathlib import Path

        from django.core.files.storage import default_storage

        from records.tasks import check_packs
        from requests_app.models import StaffTask
        from requests_app.tasks import tell_of_damaged_images

        opinion_request = factories.opinion_request_at("collecting", staff_clinic(staff))
        store(opinion_request.case_file, as_bytes(ct(1)))
        check_packs()
        tell_of_damaged_images()
        assert not StaffTask.objects.filter(kind="damaged_images").exists()
        pack = ImagingPack.objects.get()
        ImagingPack.objects.update(checked_at=None)
        with Path(default_storage.path(pack.key)).open("r+b") as file:
            file.seek(200)
            file.write(b"\xee")
        check_packs()
        tell_of_damaged_images()
        tell_of_damaged_images()
        task = StaffTask.objects.get(kind="damaged_images")
        assert task.opinion_request == opinion_request
        event = AuditEvent.objects.filter(verb="imaging.packs_checked").latest("number")
        assert event.details == {"packs": 1, "damaged": 1}
        shown = text(signed_in(staff).get(reverse("requests:tasks")))
        assert reverse("records:images", args=[opinion_request.case_file_id]) in shown


def staff_clinic(user):
    return user.memberships.get().clinic
