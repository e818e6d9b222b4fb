"""The ZIP of a CD: images in, everything else left on the disc, no bomb unpacked."""

import io
import resource
import struct
import time
import zipfile
import zlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from records.dicom import archives, packs, retrieval, unpackers
from records.models import ImagingIngest, ImagingInstance, ImagingPack
from secondop.jobs.ring import ring
from secondop.lib.storage import new_key
from tests.records.dicom.samples import a_case_file, as_bytes, ct

pytestmark = pytest.mark.django_db


def a_zip(entries, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out


def take(file, case_file=None):
    case_file = case_file or a_case_file()
    file.seek(0)
    return archives.ingest(file, case_file, by=case_file.patient.user)


class TestIngest:
    def test_images_come_in_and_the_rest_stays(self):
        files = [(f"DICOM/{n}", as_bytes(ct(n))) for n in range(1, 4)]
        others = [
            ("AUTORUN.INF", b"[autorun]"),
            ("Thumbs.db", b"\xd0\xcf\x11\xe0" * 99),
            ("EMPTY", b""),
        ]
        told = take(a_zip([*others, *files]))
        assert told == {"stored": 3, "known": 0, "refused": {"not_dicom": 3}}
        assert ImagingPack.objects.count() == 1

    def test_a_large_archive_becomes_several_packs(self, monkeypatch):
        monkeypatch.setattr(unpackers, "PACK_INSTANCES", 2)
        told = take(a_zip([(str(n), as_bytes(ct(n))) for n in range(1, 6)]))
        assert told["stored"] == 5
        assert ImagingPack.objects.count() == 3

    def test_twice_stores_once(self):
        case_file, file = a_case_file(), a_zip([("1", as_bytes(ct(1)))])
        take(file, case_file)
        assert take(file, case_file) == {"stored": 0, "known": 1, "refused": {}}

    def test_the_job_counts_and_removes_the_archive(self, run_jobs):
        case_file = a_case_file()
        content = ContentFile(a_zip([("1", as_bytes(ct(1))), ("x", b"?")]).getvalue())
        key = default_storage.save(new_key("uploads"), content)
        job = ImagingIngest.objects.create(
            clinic_id=case_file.clinic_id, case_file=case_file, by=case_file.patient.user, key=key
        )
        ring(job)
        run_jobs()
        job.refresh_from_db()
        assert (job.status, job.done_count) == ("done", 2)
        assert job.outcome == {"stored": 1, "known": 0, "refused": {"not_dicom": 1}}
        assert not default_storage.exists(key)

    def test_a_bad_archive_is_dead_at_once_with_its_code(self, run_jobs):
        case_file = a_case_file()
        key = default_storage.save(new_key("uploads"), ContentFile(b"PK\x03\x04 no archive"))
        job = ImagingIngest.objects.create(
            clinic_id=case_file.clinic_id, case_file=case_file, by=case_file.patient.user, key=key
        )
        run_jobs()
        job.refresh_from_db()
        assert (job.status, job.outcome) == ("dead", {"archive": "not_an_archive"})


class TestHostile:
    """The good file beside each bad one survives; the bad one is counted under its reason."""

    def good(self):
        return "good", as_bytes(ct(1))

    @pytest.mark.parametrize(
        "name", ["../../../etc/passwd", "/abs/a", "C:\\win", "a/../../b", "\u202egpj"]
    )
    def test_names_are_not_used(self, name):
        assert take(a_zip([(name, as_bytes(ct(2))), self.good()]))["stored"] == 2

    def test_a_link_is_refused(self):
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        assert take(a_zip([(link, "/etc/passwd"), self.good()])) == {
            "stored": 1, "known": 0, "refused": {"link": 1},
        }  # fmt: skip

    def test_an_archive_inside_is_not_opened(self):
        inner = a_zip([("1", as_bytes(ct(2)))]).getvalue()
        assert take(a_zip([("inner.zip", inner), self.good()]))["refused"] == {"nested_archive": 1}

    def test_a_bomb_is_stopped_early(self):
        bomb = bytes(128) + b"DICM" + bytes(200 * 1024**2)
        file = a_zip([("bomb", bomb), self.good()])
        started = time.monotonic()
        told = take(file)
        assert told == {"stored": 1, "known": 0, "refused": {"archive_bomb": 1}}
        assert time.monotonic() - started < 10

    def test_an_entry_longer_than_it_says_is_refused(self):
        raw = bytearray(
            a_zip([("x", bytes(128) + b"DICM" + bytes(50_000)), self.good()]).getvalue()
        )
        for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            at = raw.find(mark) + place
            raw[at : at + 4] = struct.pack("<L", 10)
        told = take(io.BytesIO(raw))
        assert told["stored"] == 1
        assert sum(told["refused"].values()) == 1

    def test_overlapping_entries_are_refused(self):
        raw = bytearray(a_zip([("a", as_bytes(ct(1))), ("b", as_bytes(ct(2)))]).getvalue())
        at = raw.rfind(b"PK\x01\x02") + 42
        raw[at : at + 4] = struct.pack("<L", 0)
        with pytest.raises(archives.Refused, match="overlapping"):
            take(io.BytesIO(raw))

    def test_more_than_20_000_entries_are_refused_unread(self):
        file = a_zip(((str(n), b"") for n in range(20_001)), zipfile.ZIP_STORED)
        with pytest.raises(archives.Refused, match="too_many_entries"):
            take(file)

    def test_an_encrypted_entry_is_refused(self):
        raw = bytearray(a_zip([("x", as_bytes(ct(2))), self.good()]).getvalue())
        raw[raw.find(b"PK\x03\x04") + 6] |= 1
        raw[raw.find(b"PK\x01\x02") + 8] |= 1
        assert take(io.BytesIO(raw))["refused"] == {"encrypted": 1}

    def test_damage_in_one_entry_leaves_the_others(self):
        raw = bytearray(a_zip([("x", as_bytes(ct(2))), self.good()], zipfile.ZIP_STORED).getvalue())
        raw[300] ^= 0xFF
        assert take(io.BytesIO(raw)) == {"stored": 1, "known": 0, "refused": {"truncated": 1}}

    def test_memory_does_not_grow_with_the_archive(self):
        case_file = a_case_file()
        big = [(str(n), as_bytes(ct(n, size=1024))) for n in range(1, 31)]
        file = a_zip(big, zipfile.ZIP_STORED)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert take(file, case_file)["stored"] == 30
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * 1024
        assert ImagingInstance.objects.count() == 30

    def test_an_entry_that_kills_the_child_costs_itself_alone(self, monkeypatch):
        """More memory than a child may have: it dies, and the next begins behind that entry."""
        monkeypatch.setattr(unpackers, "CHILD_BYTES", 72 * 1024**2)
        monster = bytes(128) + b"DICM" + bytes(63 * 1024**2)
        files = [self.good(), ("monster", monster), ("last", as_bytes(ct(3)))]
        assert take(a_zip(files, zipfile.ZIP_STORED)) == {
            "stored": 2, "known": 0, "refused": {"truncated": 1},
        }  # fmt: skip

    def test_a_large_archive_is_unpacked_by_two_and_stored_in_order(self, monkeypatch, own_uploads):
        monkeypatch.setattr("records.dicom.archives.SPLIT_BYTES", 1)
        files = [as_bytes(ct(n)) for n in range(1, 41)]
        other = ct(2)
        other.SOPInstanceUID = "1.2.3"
        changed = ct(3)
        changed.SOPInstanceUID = "1.2.3"
        entries = [as_bytes(other), *files, as_bytes(changed), files[0], b"no image"]
        case_file = a_case_file()
        told = take(a_zip((str(n), file) for n, file in enumerate(entries)), case_file)
        assert told == {"stored": 41, "known": 1, "refused": {"other_bytes": 1, "not_dicom": 1}}
        assert ImagingInstance.objects.get(SOPInstanceUID="1.2.3").InstanceNumber == 2
        assert ImagingPack.objects.count() == 2
        for pack in ImagingPack.objects.all():
            assert packs.is_intact(pack)
            for row in pack.instances.all():
                raw = packs.read(pack.key, row.offset, row.size_bytes)
                assert raw in entries
                assert zlib.crc32(raw) == row.crc32
                assert raw.endswith(packs.read(pack.key, *retrieval.frame(row, 1)))
        assert list((own_uploads / "packs").iterdir()) == []
