"""What is decided about images: clearing, removing, covering, damage."""

import pytest
from django.urls import reverse

from records import imaging_desk_workflow
from records.dicom import packs
from records.models import (
    ImagingCover,
    ImagingInstance,
    ImagingPack,
    ImagingRemoval,
    ImagingSeries,
    ImagingStudy,
)
from secondop.audit.models import AuditEvent
from tests import factories
from tests.records.dicom.samples import as_bytes, ct, store, without_a_name
from tests.records.imaging.pages import page, reader_of, staff_clinic, text
from tests.secondop.api.dicomweb_files import signed_in, whole

pytestmark = pytest.mark.django_db


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
