"""Hostile images and archives: the rest of a delivery survives, each refusal has its sentence, and
neither time nor memory grows with what a file claims."""

import io
import json
import time
from pathlib import Path

import pytest
from django.urls import reverse

from bench.imaging import hostile
from records.dicom import archives, packs, thumbnails
from records.dicom.problems import PROBLEMS
from records.dicom.values import NATIVE
from records.models import ImagingInstance, ImagingPack, ImagingPreview
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store
from tests.secondop.api.dicomweb_files import root, signed_in, stow, whole

pytestmark = pytest.mark.django_db
MB = 1024  # KiB
PEAK_MB = 140  # above what the process holds before, for any object
SECONDS = 20  # of the processor, whatever else the machine does


class Peak:
    """The most memory this process holds within the block, above what it held before."""

    def __enter__(self):
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
        self.before, self.began = self._read("VmRSS"), time.process_time()
        return self

    def __exit__(self, *_):
        self.mb = (self._read("VmHWM") - self.before) / MB
        self.seconds = time.process_time() - self.began

    @staticmethod
    def _read(what):
        found = [li for li in Path("/proc/self/status").read_text().splitlines() if what in li]
        return int(found[0].split()[1])


def observed_object(raw):
    """What became of one object between two good ones, and what everybody can ask of it then."""
    case_file = a_case_file()
    with Peak() as peak:
        first, result, last = store(case_file, hostile.good(1), raw, hostile.good(2))
    assert (first.problem, last.problem) == ("", "")
    pack = ImagingPack.objects.get(case_file=case_file)
    assert packs.is_intact(pack)
    assert peak.mb < PEAK_MB, peak.mb
    assert peak.seconds < SECONDS
    if result.problem:
        assert result.problem in PROBLEMS
        assert ImagingInstance.objects.filter(case_file=case_file).count() == 2
        return result.problem
    uid = result.received.instance_uid
    one = ImagingInstance.objects.select_related("pack").get(
        case_file=case_file, SOPInstanceUID=uid
    )
    assert packs.read(one.pack.key, one.offset, one.size_bytes) == raw
    every_answer_is_sound(case_file, one)
    if one.pixel_problem:
        return f"stored, pixels {one.pixel_problem}"
    is_odd = one.TransferSyntaxUID not in NATIVE or "PALETTE" in one.search
    if one.frame_count and is_odd and not thumbnails.picture(one, 1, thumbnails.EDGE).key:
        return "stored, no picture"
    return "stored"


def every_answer_is_sound(case_file, one):
    """Searches, metadata, the plain pages and the file itself: no error, and JSON that is JSON."""

    def nothing_odd(word):
        raise AssertionError(word)

    client = signed_in(case_file.patient.user)
    base = root(case_file)
    names = f"/studies/{one.study.StudyInstanceUID}/series/{one.series.SeriesInstanceUID}"
    for path in ("/studies", "/series", "/instances", f"{names}/metadata",
                 f"{names}/instances?includefield=all"):  # fmt: skip
        answer = client.get(base + path)
        assert answer.status_code == 200, path
        assert json.loads(answer.content, parse_constant=nothing_odd)
    file = client.get(f"{base}{names}/instances/{one.SOPInstanceUID}",
                      headers={"accept": "application/dicom"})  # fmt: skip
    assert len(whole(file)) == one.size_bytes
    page = client.get(reverse("records:images", args=[case_file.pk]))
    assert page.status_code == 200
    assert b"<script>alert" not in page.content
    if one.frame_count:
        path = reverse("records:images_series", args=[one.series_id])
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", hostile.OBJECTS)
def test_an_object(name):
    make, expected = hostile.OBJECTS[name]
    raw = make()
    result = observed_object(raw)
    assert result == expected
    published = hostile.DOCUMENT.read_text(encoding="utf-8")
    assert hostile.line("object", name, result) in published


def observed_archive(raw):
    case_file = a_case_file()
    try:
        told = archives.ingest(io.BytesIO(raw), case_file, by=case_file.patient.user)
    except archives.Refused as refused:
        assert refused.code in PROBLEMS
        return refused.code
    refused = [f"{count} {code}" for code, count in sorted(told["refused"].items())]
    assert all(code in PROBLEMS for code in told["refused"])
    return ", ".join([f"stored {told['stored']}", *refused])


@pytest.mark.parametrize("name", hostile.ARCHIVES)
def test_an_archive(name):
    make, expected = hostile.ARCHIVES[name]
    raw = make()
    with Peak() as peak:
        result = observed_archive(raw)
    assert result == expected
    assert peak.mb < PEAK_MB, peak.mb
    assert peak.seconds < SECONDS
    published = hostile.DOCUMENT.read_text(encoding="utf-8")
    assert hostile.line("ZIP", name, result) in published


def test_all_of_them_in_one_body_leave_the_good_ones_alone():
    """One STOW request with every object: each refused one has a sentence of its own."""
    case_file = a_case_file()
    raws = [make() for name, (make, _expected) in hostile.OBJECTS.items() if "bomb" not in name]
    with Peak() as peak:
        answer = stow(signed_in(case_file.patient.user), case_file, hostile.good(1), *raws,
                      hostile.good(2))  # fmt: skip
    assert answer.status_code == 202
    told = answer.json()
    failed = told["0008119A"]["Value"] + told.get("00081198", {"Value": []})["Value"]
    assert len(failed) + len(told["00081199"]["Value"]) == len(raws) + 2
    assert all(len(item["00000902"]["Value"][0]) > 20 for item in failed)
    assert ImagingInstance.objects.filter(SOPInstanceUID__in=["1.9.1001", "1.9.1002"]).count() == 2
    assert packs.is_intact(ImagingPack.objects.get())
    assert peak.mb < 150


def test_the_same_number_with_other_bytes_keeps_the_first():
    case_file = a_case_file()
    other = hostile.a_file(1, changes=hostile.text(0x00104000, b"LT", b"changed"))
    assert [r.problem for r in store(case_file, hostile.good(1))] == [""]
    results = store(case_file, other, hostile.good(2))
    assert [r.problem for r in results] == ["other_bytes", ""]


def test_previews_of_hostile_frames_end_the_job_well(run_jobs):
    """The child may die of a frame; the job is done and says so by an empty picture."""
    case_file = a_case_file()
    store(case_file, as_bytes(ct(1)))
    for name in ("JPEG that claims 60,000 x 60,000", "palette of absurd size"):
        store(case_file, hostile.OBJECTS[name][0]())
    run_jobs()
    assert set(ImagingPreview.objects.values_list("status", flat=True)) == {"done"}
