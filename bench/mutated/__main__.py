"""Spoilt files through the real ways in: `python -m bench.mutated [kinds] [how many] [seed]`.

What must hold for each: it is kept, or has exactly one sentence; nothing raises; what is kept can
be read, listed and shown; and what was sent beside it arrives. Run it inside `deploy.local test`.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.mutated import mutators

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SLOW_SECONDS = 20
LARGEST = 300_000  # bytes of a sample: the work should go into variety
FAILURES = Path(tempfile.gettempdir()) / "mutated-failures"  # what failed is kept to look at


def main() -> None:
    told = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count, seed = (told + [60, 1][len(told) :])[:2]
    asked = set(sys.argv[1:]) & {"fhir", "xml", "pdf", "picture", "dicom", "zip"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    warnings.simplefilter("ignore")
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)
    samples = collect()
    outcomes, failed, begun = Counter[str](), 0, time.monotonic()
    for kind, (ways, take) in kinds().items():
        if asked and kind not in asked:
            continue
        for number in range(count):
            started = time.monotonic()
            chance = random.Random(f"{seed} {kind} {number}")
            way, sample = chance.choice(ways), chance.choice(samples[kind])
            content = way(sample, chance)
            if not content:
                continue
            try:
                outcome = take(content, chance)
            except Exception as exc:
                failed += 1
                FAILURES.mkdir(exist_ok=True)
                (FAILURES / f"{kind}-{number}").write_bytes(content)
                print(f"FAILED {kind} {number} by {way.__name__}: {exc!r}")
                print("".join(traceback.format_tb(exc.__traceback__)[-3:]), flush=True)
                continue
            outcomes[f"{kind}: {outcome}"] += 1
            if (took := time.monotonic() - started) > SLOW_SECONDS:
                print(f"slow: {kind} {number} by {way.__name__}, {took:.0f} s", flush=True)
    for outcome, n in sorted(outcomes.items()):
        print(f"  {n:5} {outcome}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    worst = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    total, seconds = sum(outcomes.values()) + failed, time.monotonic() - begun
    print(f"{total} files, {failed} failed, {seconds:.0f} s, peak {peak} MB here, {worst} MB below")
    if failed:
        sys.exit(1)


def kinds() -> dict[str, Any]:
    return {
        "fhir": (mutators.JSON, as_document),
        "xml": (mutators.XML, as_document),
        "pdf": (mutators.ANY, as_document),
        "picture": (mutators.ANY, as_document),
        "dicom": (mutators.DICOM, as_image),
        "zip": (mutators.ZIP, as_archive),
    }


def collect() -> dict[str, list[bytes]]:
    """Small real files when they are here, and some of our own."""
    from tests.records import files
    from tests.records.bundles import condition, nobody_s_bundle, observation
    from tests.records.dicom.samples import as_bytes, ct

    def real(*patterns: str) -> list[bytes]:
        paths = sorted(path for one in patterns for path in DATA.glob(one) if path.is_file())
        return [path.read_bytes() for path in paths if 500 < path.stat().st_size < LARGEST]

    bundle = nobody_s_bundle(
        observation("o", "718-7", 13.1, "g/dL", "2026-01-02"), condition("c", "Asthma")
    )
    cda = b"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><component>
    <structuredBody><component><section><code code="11450-4"/><title>Problems</title><text>
    <table><tbody><tr><td>Asthma</td></tr></tbody></table></text></section></component>
    </structuredBody></component></ClinicalDocument>"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(3):
            made.writestr(f"IM{number}", as_bytes(ct(number)))
        made.writestr("letter.pdf", files.pdf(1))
    images = [as_bytes(ct(1)), *real("dicom/0[126789]-*/*")]
    return {
        "fhir": [bundle, *(one for one in real("fhir/*/*.json") if one.lstrip()[:1] == b"{")],
        "xml": [cda, *real("ccda/*/*.xml", "fhir/*/*.xml")],
        "pdf": [files.pdf(2), *real("pdf/*/*.pdf")],
        "picture": [files.picture(kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")],
        "dicom": [one for one in images if one[128:132] == b"DICM"],
        "zip": [out.getvalue(), *real("archives/*.zip")],
    }


# --- the ways in -------------------------------------------------------------------------------


def as_document(content: bytes, _chance: random.Random) -> str:
    """Upload, screening, facts, search, and the page of it."""
    from django.test import Client
    from django.urls import reverse

    from records.models import BlindingSearch
    from records.models.facts import FactsReading
    from records.problems import PROBLEMS
    from records.tasks import read_facts, search_item
    from tests import factories
    from tests.records.ready import screened

    request = factories.draft()
    document = screened(content, request)
    if document.status == "rejected":
        assert document.problem in PROBLEMS, document.problem
        return f"refused, {document.problem}"
    assert document.status in ("available", "held", "removed"), document.status
    assert document.screening.status == "done", document.screening.status
    client = Client()
    client.force_login(request.started_by)
    pages = [reverse("records:documents", args=[request.case_file_id])]
    if document.status == "available":
        for reading in FactsReading.objects.filter(document=document):
            read_facts(str(reading.pk))
            reading.refresh_from_db()
            assert reading.status == "done", reading.last_error
        for search in BlindingSearch.objects.filter(about_id=document.pk):
            search_item(str(search.pk))
            search.refresh_from_db()
            assert search.status == "done", search.last_error
        pages.append(reverse("records:facts", args=[request.case_file_id]))
    if document.status != "removed":
        pages.append(reverse("records:document", args=[document.pk]))
    for url in pages:
        assert client.get(url).status_code == 200, url
    return f"kept, {document.media_type.partition('/')[2]}" + (
        ", not readable" if document.findings.get("not_readable") else ""
    )


def as_image(content: bytes, chance: random.Random) -> str:
    """STOW-RS between two whole images, then every way to read what was stored."""
    from records.dicom import thumbnails
    from records.dicom.problems import PROBLEMS
    from records.models import ImagingInstance, ImagingSeries
    from tests.records.dicom.samples import a_case_file, as_bytes, ct
    from tests.secondop.api.dicomweb_files import root, signed_in, stow, whole

    case_file = a_case_file()
    client = signed_in(case_file.patient.user)
    first, last = as_bytes(ct(1, study="1.9.1")), as_bytes(ct(2, study="1.9.1"))
    answer = stow(client, case_file, first, content, last)
    assert answer.status_code in (200, 202), answer.status_code
    told = json.loads(whole(answer))
    refused = [
        one for tag in ("00081198", "0008119A") for one in told.get(tag, {}).get("Value", [])
    ]
    stored = told.get("00081199", {}).get("Value", [])
    here = ImagingInstance.objects.filter(case_file=case_file)
    assert len(stored) + len(refused) == 3, (len(stored), len(refused))
    assert here.filter(study__StudyInstanceUID="1.9.1").count() >= 2, "the rest did not survive"
    if len(refused) > 1:
        raise AssertionError("a whole image was refused")
    for series in ImagingSeries.objects.filter(case_file=case_file):
        thumbnails.make_for(series)
    base = root(case_file)
    for study in here.values_list("study__StudyInstanceUID", flat=True).distinct():
        for path in ("metadata", "instances?includefield=all", "series"):
            got = client.get(f"{base}/studies/{study}/{path}")
            assert got.status_code in (200, 404), (path, got.status_code)
            if got.status_code == 200:
                json.loads(whole(got))
    for one in here.select_related("study", "series"):
        url = f"{base}/studies/{one.study.StudyInstanceUID}/series/"
        url += f"{one.series.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"
        for path in ("", "/frames/1", "/rendered", "/metadata"):
            got = client.get(url + path)
            assert got.status_code in (200, 404, 406, 409, 415), (path, got.status_code)
            whole(got)
    assert PROBLEMS
    return "refused" if refused else "kept"


def as_archive(content: bytes, _chance: random.Random) -> str:
    """The job that unpacks an archive; one that cannot be unpacked has its sentence."""
    from records.dicom import archives
    from records.dicom.problems import PROBLEMS
    from records.models import ImagingInstance
    from tests.records.dicom.samples import a_case_file

    case_file = a_case_file()
    try:
        told = archives.ingest(io.BytesIO(content), case_file, by=case_file.patient.user)
    except archives.Refused as refusal:
        assert refusal.code in PROBLEMS, refusal.code
        return f"refused, {refusal.code}"
    assert set(told["refused"]) <= set(PROBLEMS), told["refused"]
    assert ImagingInstance.objects.filter(case_file=case_file).count() == told["stored"]
    return "kept" + ("" if told["stored"] else ", nothing in it")


if __name__ == "__main__":
    main()
