"""An archive whose members are stored as they are becomes a pack itself: nothing is copied."""

import io
import json
import zipfile
import zlib
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from records import imaging_workflow
from records.dicom import archives, metadata, packs, retrieval
from records.dicom.packs import local_path
from records.dicom.taking_out import take_out
from records.erasing import erase_images
from records.imaging import view_of
from records.models import ImagingIngest, ImagingInstance, ImagingPack, ImagingSeries
from secondop.lib.storage import new_key
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store

pytestmark = pytest.mark.django_db


def a_zip(entries, compression=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.comment = comment
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def numbered(files):
    return a_zip((f"GREAVES/{n}", file) for n, file in enumerate(files))


def a_job(raw, case_file=None):
    case_file = case_file or a_case_file()
    key = default_storage.save(new_key("uploads"), ContentFile(raw))
    return ImagingIngest.objects.create(
        clinic_id=case_file.clinic_id, case_file=case_file, by=case_file.patient.user, key=key
    )


def taken(job):
    """Run the job, as the worker does."""
    archives.take(ImagingIngest.claim(job.pk))
    job.refresh_from_db()
    assert job.status == "done"
    return job.outcome


def contents(pack):
    """The whole object."""
    return local_path(pack.key).read_bytes()


def objects_of(case_file):
    """Every object as it is read back, by its UID."""
    rows = ImagingInstance.objects.filter(case_file=case_file).select_related("pack")
    return {
        row.SOPInstanceUID: packs.read(row.pack.key, row.offset, row.size_bytes) for row in rows
    }


def slices(count, **changes):
    return [as_bytes(ct(n, **changes)) for n in range(1, count + 1)]


class TestThePack:
    def test_it_is_the_archive_and_every_object_is_read_from_it(self):
        files = slices(5)
        raw = numbered(files)
        job = a_job(raw)
        inode = local_path(job.key).stat().st_ino
        assert taken(job) == {"stored": 5, "known": 0, "refused": {}}
        pack = ImagingPack.objects.get()
        assert not default_storage.exists(job.key)
        assert local_path(pack.key).stat().st_ino == inode
        assert contents(pack) == raw
        rows = ImagingInstance.objects.order_by("InstanceNumber")
        for row, file in zip(rows, files, strict=True):
            assert packs.read(pack.key, row.offset, row.size_bytes) == file
            assert zlib.crc32(file) == row.crc32
            assert file.endswith(packs.read(pack.key, *retrieval.frame(row, 1)))
        assert packs.is_intact(pack)
        view = view_of(job.by, job.case_file_id)
        told = json.loads(metadata.text_of(view, ImagingSeries.objects.get(), ""))
        assert [one["00200013"]["Value"] for one in told] == [[n] for n in range(1, 6)]
        assert metadata.true_header_of(rows[3])["00200013"]["Value"] == [4]

    def test_two_children_make_one(self, monkeypatch):
        monkeypatch.setattr(archives, "SPLIT_BYTES", 1)
        files = slices(40)
        assert taken(a_job(numbered(files)))["stored"] == 40
        pack = ImagingPack.objects.get()
        assert packs.is_intact(pack)
        assert len(packs.headers(pack)) == 40
        for row in ImagingInstance.objects.all():
            line = json.loads(packs.headers(pack)[row.header_line])
            assert line["00080018"]["Value"] == [row.SOPInstanceUID]

    @pytest.mark.parametrize("place", ["an object", "between", "the headers"])
    def test_damage_is_found(self, place):
        taken(a_job(numbered(slices(3))))
        pack = ImagingPack.objects.get()
        row = pack.instances.order_by("offset")[1]
        at = {"an object": row.offset + 400, "between": row.offset - 9, "the headers": 9}[place]
        path = local_path(pack.headers_key if place == "the headers" else pack.key)
        with path.open("r+b") as file:
            file.seek(at)
            before = file.read(1)[0]
            file.seek(at)
            file.write(bytes([before ^ 1]))
        assert not packs.is_intact(pack)


class TestWhatCannotStay:
    """It is written into a pack of its own, as ever; nothing that is no image is kept."""

    @pytest.mark.parametrize(
        "entries",
        [
            [("letter.txt", b"a letter about the patient")],
            [("long/" + "x" * 3000, as_bytes(ct(9)))],
        ],
        ids=["another file", "much beside the objects"],
    )
    def test_an_archive_that_holds_something_else(self, entries):
        files = slices(3)
        job = a_job(a_zip([*((str(n), file) for n, file in enumerate(files)), *entries]))
        taken(job)
        pack = ImagingPack.objects.get()
        assert not pack.headers_key
        assert contents(pack).startswith(files[0] + files[1] + files[2])
        assert b"a letter" not in contents(pack)
        assert b"xxxxxx" not in contents(pack)

    def test_words_behind_the_directory(self):
        taken(a_job(a_zip([("1", as_bytes(ct(1)))], comment=b"a letter " * 900)))
        assert b"a letter" not in contents(ImagingPack.objects.get())

    def test_a_deflated_archive(self):
        taken(a_job(a_zip([("1", as_bytes(ct(1)))], zipfile.ZIP_DEFLATED)))
        assert not ImagingPack.objects.get().headers_key

    def test_an_object_that_was_here_before(self):
        files, case_file = slices(3), a_case_file()
        store(case_file, files[1])
        assert taken(a_job(numbered(files), case_file)) == {"stored": 2, "known": 1, "refused": {}}
        pack = ImagingPack.objects.latest("created_at")
        assert contents(pack).startswith(files[0] + files[2])
        assert files[1] not in contents(pack)
        assert sorted(objects_of(case_file).values()) == sorted(files)

    def test_the_same_object_in_both_halves(self, monkeypatch):
        monkeypatch.setattr(archives, "SPLIT_BYTES", 1)
        files, case_file = slices(40), a_case_file()
        other = ct(3)
        other.SOPInstanceUID = ct(1).SOPInstanceUID
        files[0] = as_bytes(other)
        changed = ct(4)
        changed.SOPInstanceUID = other.SOPInstanceUID
        told = taken(a_job(numbered([*files, as_bytes(changed), files[7]]), case_file))
        assert told == {"stored": 40, "known": 1, "refused": {"other_bytes": 1}}
        assert sorted(objects_of(case_file).values()) == sorted(files)
        assert all(packs.is_intact(pack) for pack in ImagingPack.objects.all())

    def test_the_other_half_is_damaged(self, monkeypatch):
        monkeypatch.setattr(archives, "SPLIT_BYTES", 1)
        files, case_file = slices(40), a_case_file()
        raw = bytearray(numbered(files))
        raw[raw.find(files[35]) + 900] ^= 1
        told = taken(a_job(bytes(raw), case_file))
        assert told == {"stored": 39, "known": 0, "refused": {"truncated": 1}}
        assert sorted(objects_of(case_file).values()) == sorted(files[:35] + files[36:])
        for pack in ImagingPack.objects.all():
            assert packs.is_intact(pack)
            assert b"GREAVES/" not in contents(pack)

    def test_frames_in_fragments_are_joined_as_ever(self):
        data = ct(1)
        data.file_meta.TransferSyntaxUID = RLELossless
        row = b"\x01\0\0\0\x40\0\0\0".ljust(64, b"\0") + b"\x81\0" * 4
        data.PixelData = encapsulate([row], fragments_per_frame=2, has_bot=False)
        data["PixelData"].is_undefined_length = True
        raw = as_bytes(data)
        case_file, beside = a_case_file(), a_case_file()
        taken(a_job(numbered([raw]), case_file))
        assert not ImagingPack.objects.get().headers_key
        store(beside, raw)
        first, second = (ImagingInstance.objects.get(case_file=one) for one in (case_file, beside))
        assert (first.frame_offsets, first.frame_lengths) == (
            second.frame_offsets, second.frame_lengths,
        )  # fmt: skip


class TestNothingIsLost:
    def test_a_worker_that_dies_before_the_rows_are_there(self, monkeypatch):
        files, case_file = slices(3), a_case_file()
        job = a_job(numbered(files), case_file)

        def dies(*_, **__):
            raise MemoryError

        with monkeypatch.context() as broken:
            broken.setattr(imaging_workflow, "store", dies)
            with pytest.raises(MemoryError):
                archives.take(job)
        assert local_path(job.key).stat().st_nlink == 1
        assert taken(job)["stored"] == 3
        assert sorted(objects_of(case_file).values()) == sorted(files)

    def test_a_worker_that_dies_before_the_job_is_closed(self):
        """The same archive again: what it holds is known, and outlives the archive's own name."""
        files, case_file = slices(3), a_case_file()
        job = a_job(numbered(files), case_file)
        path = local_path(job.key)
        with path.open("rb") as file, archives.unpacking(file, stored=path) as unpacked:
            assert unpacked.store(case_file, by=job.by)["stored"] == 3
        assert taken(job) == {"stored": 0, "known": 3, "refused": {}}
        assert packs.is_intact(ImagingPack.objects.get())
        assert sorted(objects_of(case_file).values()) == sorted(files)

    def test_a_full_disc_leaves_no_second_name(self, monkeypatch, own_uploads):
        """Nothing would erase what no row knows."""
        case_file = a_case_file()
        job = a_job(numbered(slices(3)), case_file)
        made = []

        def is_full(folder):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(packs, "new_key", lambda _: made.append(new_key("packs")) or made[-1])
        monkeypatch.setattr(packs, "_flush_folder", lambda _: len(made) and is_full(_))
        with pytest.raises(OSError, match="No space"):
            archives.take(ImagingIngest.claim(job.pk))
        monkeypatch.undo()
        assert len(made) == 2
        assert local_path(job.key).stat().st_nlink == 1
        assert not any(default_storage.exists(key) for key in made)

    def test_a_disc_without_links(self, monkeypatch):
        def refuses(*_):
            raise OSError("no links here")

        monkeypatch.setattr(Path, "hardlink_to", refuses)
        files, case_file = slices(3), a_case_file()
        taken(a_job(numbered(files), case_file))
        assert packs.is_intact(ImagingPack.objects.get())
        assert sorted(objects_of(case_file).values()) == sorted(files)


class TestErasing:
    def test_a_study_leaves_nothing_of_it_behind(self):
        staying, going = slices(2), slices(2, StudyInstanceUID="1.2.3.9", SeriesInstanceUID="1.9")
        entries = [("A/1", staying[0]), ("GOING/1", going[0])]
        entries += [("A/2", staying[1]), ("GOING/2", going[1])]
        case_file = a_case_file()
        taken(a_job(a_zip(entries), case_file))
        old = ImagingPack.objects.get()
        study = ImagingInstance.objects.get(study__StudyInstanceUID="1.2.3.9", InstanceNumber=1)
        take_out(old, study.study_id)
        pack = ImagingPack.objects.get()
        assert contents(pack).startswith(staying[0] + staying[1])
        assert b"GOING" not in contents(pack)
        assert packs.is_intact(pack)
        assert sorted(objects_of(case_file).values()) == sorted(staying)

    def test_both_objects_of_a_pack_go(self, django_capture_on_commit_callbacks):
        case_file = a_case_file()
        taken(a_job(numbered(slices(2)), case_file))
        pack = ImagingPack.objects.get()
        keys = [pack.key, pack.headers_key]
        assert all(default_storage.exists(key) for key in keys)
        with django_capture_on_commit_callbacks(execute=True):
            take_out(pack, ImagingInstance.objects.first().study_id)
        assert not any(default_storage.exists(key) for key in keys)

    def test_both_go_with_all_images(self):
        case_file = a_case_file()
        taken(a_job(numbered(slices(2)), case_file))
        pack = ImagingPack.objects.get()
        erase_images(case_file)
        assert not any(default_storage.exists(key) for key in (pack.key, pack.headers_key))
