"""A batch goes into one pack; what cannot be kept is named and leaves nothing behind."""

import struct
import zlib
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from records import imaging_workflow
from records.dicom import packs
from records.dicom.problems import PROBLEMS
from records.models import ImagingInstance, ImagingPack, ImagingSeries, ImagingStudy
from secondop.audit.models import AuditEvent
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store, without_a_name

pytestmark = pytest.mark.django_db


def problems(results):
    return [result.problem for result in results]


class TestBatch:
    def test_it_makes_one_pack_with_every_byte_as_it_came(self):
        case_file = a_case_file()
        files = [as_bytes(ct(number)) for number in (1, 2, 3)]
        assert problems(store(case_file, *files)) == ["", "", ""]
        pack = ImagingPack.objects.get()
        for instance, file in zip(
            ImagingInstance.objects.order_by("InstanceNumber"), files, strict=True
        ):
            assert packs.read(pack.key, instance.offset, instance.size_bytes) == file
            assert file.endswith(
                packs.read(pack.key, instance.frame_offsets[0], instance.frame_lengths[0])
            )
        study, series = ImagingStudy.objects.get(), ImagingSeries.objects.get()
        assert (study.status, study.instance_count, series.instance_count) == ("available", 3, 3)
        assert study.search["00100010"]["Value"] == [{"Alphabetic": "Example^Maria"}]
        assert not series.may_show_text
        assert series.blinding_class == ""
        assert packs.is_intact(pack)

    def test_the_same_again_is_a_success_and_stores_nothing(self):
        case_file = a_case_file()
        files = [as_bytes(ct(number)) for number in (1, 2)]
        store(case_file, *files)
        results = store(case_file, *files, files[0])
        assert problems(results) == ["", "", ""]
        assert not any(result.is_new for result in results)
        assert ImagingPack.objects.count() == 1
        assert ImagingInstance.objects.count() == 2

    def test_the_same_number_with_other_bytes_is_refused(self):
        case_file = a_case_file()
        first, other = ct(1), ct(1)
        other.SOPInstanceUID = first.SOPInstanceUID
        other.PatientComments = "changed"
        assert problems(store(case_file, as_bytes(first), as_bytes(other))) == ["", "other_bytes"]
        assert problems(store(case_file, as_bytes(other))) == ["other_bytes"]
        assert ImagingInstance.objects.count() == 1

    def test_what_is_refused_or_known_leaves_no_bytes_in_the_pack(self):
        case_file = a_case_file()
        known, new, last = as_bytes(ct(1)), as_bytes(ct(2)), as_bytes(ct(3))
        store(case_file, known)
        results = store(case_file, b"MZ" + b"\x90" * 5000, new, known, b"", last)
        assert problems(results) == ["not_dicom", "", "", "not_dicom", ""]
        pack = ImagingPack.objects.latest("created_at")
        assert pack.headers_offset == len(new) + len(last)
        assert packs.is_intact(pack)
        for instance in pack.instances.all():
            file = new if instance.InstanceNumber == 2 else last
            frame = packs.read(pack.key, instance.frame_offsets[0], instance.frame_lengths[0])
            assert file.endswith(frame)

    def test_two_patients_on_one_disc_are_held(self):
        """As long as nobody knows which of them is ours; else see test_identity_guard."""
        case_file = without_a_name(a_case_file())
        other = ct(
            1,
            study="1.2.9",
            PatientName="Other^Person",
            PatientID="P2",
            PatientBirthDate="19500101",
        )
        store(case_file, as_bytes(ct(1)), as_bytes(other))
        assert set(ImagingStudy.objects.values_list("status", "problem")) == {
            ("held", "two_patients")
        }

    def test_another_hospitals_number_for_the_same_person_is_not_another_person(self):
        case_file = a_case_file()
        other = ct(1, study="1.2.9", PatientName="EXAMPLE^MARIA^^", PatientID="X9")
        store(case_file, as_bytes(ct(1)), as_bytes(other))
        assert set(ImagingStudy.objects.values_list("status", flat=True)) == {"available"}

    def test_new_slices_of_a_cleared_series_must_be_looked_at_again(self):
        case_file = a_case_file()
        store(case_file, as_bytes(ct(1)))
        from tests.records.dicom.samples import clear

        clear(case_file)
        store(case_file, as_bytes(ct(2)))
        assert ImagingSeries.objects.get().blinding_class == ""

    def test_nothing_is_left_over_on_the_disk(self, own_uploads):
        store(a_case_file(), as_bytes(ct(1)), b"nothing")
        assert list((own_uploads / "packs").iterdir()) == []

    @pytest.mark.parametrize(
        ("keyword", "value"),
        [("SOPInstanceUID", "../../etc/passwd"), ("SeriesInstanceUID", "1." + "2" * 400)],
    )
    def test_a_number_that_is_none_is_refused(self, keyword, value):
        import warnings

        data = ct(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data[keyword].value = value
            raw = as_bytes(data)
        assert problems(store(a_case_file(), raw)) == ["bad_uid"]


class TestWithoutNames:
    """An object that does not say which study, series or object it is gets names of ours."""

    def test_the_names_come_from_the_content_and_the_bytes_stay(self):
        case_file = a_case_file()
        data = ct(1)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            data[keyword].value = ""
        data.file_meta.MediaStorageSOPInstanceUID = ""
        raw = as_bytes(data, named=False)
        assert problems(store(case_file, raw)) == [""]
        results = store(case_file, raw)
        assert problems(results) == [""]
        assert not results[0].is_new
        one = ImagingInstance.objects.select_related("study", "series", "pack").get()
        names = (one.study.StudyInstanceUID, one.series.SeriesInstanceUID, one.SOPInstanceUID)
        assert len({*names}) == 3
        assert all(name.startswith("2.25.") for name in names)
        assert one.study.names_missing
        assert packs.read(one.pack.key, one.offset, one.size_bytes) == raw
        line = packs.headers(one.pack)[one.header_line]
        assert all(name in line for name in names)
        assert one.SOPInstanceUID in one.search

    def test_what_is_named_in_the_meta_header_alone_keeps_that_name(self):
        data = ct(1)
        uid = data.SOPInstanceUID
        data["SOPInstanceUID"].value = ""
        store(a_case_file(), as_bytes(data, uid=uid))
        one = ImagingInstance.objects.select_related("study").get()
        assert (one.SOPInstanceUID, one.study.StudyInstanceUID) == (uid, "1.2.3.4")

    def test_nothing_at_all_is_refused(self):
        meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
        assert problems(store(a_case_file(), bytes(128) + b"DICM" + meta)) == ["truncated"]


def deflated(raw: bytes, body: bytes) -> bytes:
    """The object `raw` (explicit VR) with `body` deflated as its data set."""
    syntax = b"1.2.840.10008.1.2.1.99"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return raw[:132] + meta + machine.compress(body) + machine.flush()


class TestDeflated:
    def test_it_is_inflated_beside_the_original(self):
        plain = as_bytes(ct(1))
        body = plain[plain.index(b"\x08\0\x08\0CS") :]
        file = deflated(plain, body)
        assert problems(store(a_case_file(), file)) == [""]
        instance = ImagingInstance.objects.get()
        assert packs.read(instance.pack.key, instance.offset, instance.size_bytes) == file
        assert (
            packs.read(instance.pack.key, instance.dataset_offset, instance.dataset_bytes) == body
        )
        frame = packs.read(instance.pack.key, instance.frame_offsets[0], instance.frame_lengths[0])
        assert plain.endswith(frame)
        assert packs.is_intact(instance.pack)

    def test_a_bomb_is_refused_and_the_rest_survives(self):
        plain = as_bytes(ct(1))
        bomb = deflated(plain, bytes(400 * 1024**2))
        assert len(bomb) < 500_000
        assert problems(store(a_case_file(), bomb, plain)) == ["too_large", ""]

    def test_a_transfer_syntax_that_is_a_number_costs_that_object_alone(self):
        """Its value representation was spoilt: the batch around it was lost with an error."""
        whole, good = as_bytes(ct(1)), as_bytes(ct(2))
        at = whole.index(struct.pack("<HH", 2, 0x10)) + 4
        for spoilt in (b"US", b"UL", b"FD", b"SS", b"AT"):
            found = problems(store(a_case_file(), whole[:at] + spoilt + whole[at + 2 :], good))
            assert found[0] in PROBLEMS
            assert found[1] == ""


class TestDamage:
    def test_a_changed_byte_is_found_and_the_study_set_aside(self):
        store(a_case_file(), as_bytes(ct(1)), as_bytes(ct(2)))
        pack = ImagingPack.objects.get()
        with Path(default_storage.path(pack.key)).open("r+b") as file:
            file.seek(pack.headers_offset - 3)
            file.write(b"\xee")
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("verify_packs", stdout=out)
        pack.refresh_from_db()
        assert pack.quarantined_at
        assert str(pack.pk) in out.getvalue()
        assert ImagingStudy.objects.get().status == "quarantined"

    def test_the_same_images_sent_again_mend_the_study(self):
        case_file = a_case_file()
        first, second = as_bytes(ct(1)), as_bytes(ct(2))
        store(case_file, first, second)
        pack = ImagingPack.objects.get()
        before = dict(ImagingInstance.objects.values_list("SOPInstanceUID", "pk"))
        Path(default_storage.path(pack.key)).write_bytes(b"")  # the disk lost it
        imaging_workflow.quarantine_pack(pack)
        study = ImagingStudy.objects.get()
        assert study.status == "quarantined"
        other = ct(9, SOPInstanceUID=next(iter(before)))  # other bytes are no help
        assert problems(store(case_file, as_bytes(other))) == ["other_bytes"]
        assert problems(store(case_file, first)) == [""]
        study.refresh_from_db()
        assert study.status == "quarantined"  # half of it is still damaged
        assert problems(store(case_file, second, as_bytes(ct(3)))) == ["", ""]
        study.refresh_from_db()
        assert (study.status, study.problem, study.instance_count) == ("available", "", 3)
        after = ImagingInstance.objects.select_related("pack")
        assert before.items() <= dict(after.values_list("SOPInstanceUID", "pk")).items()
        for one in after:
            assert one.pack.quarantined_at is None
            assert packs.is_intact(one.pack)
            assert packs.read(one.pack.key, one.offset, one.size_bytes)
        assert study.series.get().instance_count == 3
        assert AuditEvent.objects.filter(verb="imaging.mended").count() == 1
        known = ImagingPack.objects.count()
        assert problems(store(case_file, first)) == [""]  # now it is here: nothing is stored
        assert ImagingPack.objects.count() == known

    def test_a_good_pack_is_marked_as_checked(self):
        store(a_case_file(), as_bytes(ct(1)))
        call_command("verify_packs", stdout=StringIO())
        assert ImagingPack.objects.get().checked_at
