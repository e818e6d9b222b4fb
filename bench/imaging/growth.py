"""Whether a page of images costs more when the installation is older: 10 and 10,000 studies."""

from __future__ import annotations

import time
import uuid
from typing import Any

import requests
from django.db import connection

from bench.imaging.ours import Ours

INSTANCES, STUDIES_A_CASE_FILE = 10, 10


def fill(like: Any, count: int) -> None:
    """Add studies of ten instances each to case files of their own, shaped as a real one."""
    from records.models import CaseFile, ImagingInstance, ImagingPack, ImagingSeries, ImagingStudy

    study = ImagingStudy.objects.filter(case_file=like).first()
    series = ImagingSeries.objects.filter(study=study).first()
    instance = ImagingInstance.objects.filter(series=series).first()
    assert study and series and instance
    pack_of = {}
    for begin in range(0, count, 1000):
        studies, all_series, instances = [], [], []
        for number in range(begin, min(begin + 1000, count)):
            if number % STUDIES_A_CASE_FILE == 0:
                case_file = CaseFile.objects.create(clinic=like.clinic, patient=like.patient)
                pack_of[case_file.pk] = ImagingPack.objects.create(
                    clinic=like.clinic, case_file=case_file, key=f"bench/{uuid.uuid4()}",
                    size_bytes=1, sha256="", headers_offset=0,
                )  # fmt: skip
            pack = pack_of[case_file.pk]
            studies.append(_copy(study, case_file_id=case_file.pk, StudyInstanceUID=_uid()))
            one = _copy(
                series, case_file_id=case_file.pk, study_id=studies[-1].pk, SeriesInstanceUID=_uid()
            )
            all_series.append(one)
            instances += [
                _copy(
                    instance, case_file_id=case_file.pk, study_id=studies[-1].pk, series_id=one.pk,
                    pack_id=pack.pk, SOPInstanceUID=_uid(),
                )
                for _ in range(INSTANCES)
            ]  # fmt: skip
        ImagingStudy.objects.bulk_create(studies)
        ImagingSeries.objects.bulk_create(all_series)
        ImagingInstance.objects.bulk_create(instances, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


def _copy(row: Any, **changes: Any) -> Any:
    fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**fields | {"id": uuid.uuid4(), "alias_uid": _uid()} | changes)


def p95(ours: Ours, count: int = 150) -> dict[str, float]:
    """Milliseconds of four requests by one connection, in turn."""
    session, base = ours.session(), ours.base()
    headers = {"Accept": "application/dicom+json"}
    study = session.get(f"{base}/studies", headers=headers).json()[0]["0020000D"]["Value"][0]
    at = f"{base}/studies/{study}"
    series = session.get(f"{at}/series", headers=headers).json()[0]["0020000E"]["Value"][0]
    at += f"/series/{series}"
    rows = session.get(f"{at}/instances", headers=headers).json()
    one = f"{at}/instances/{rows[7]['00080018']['Value'][0]}"
    asked = {
        "search of studies": f"{base}/studies",
        "search of instances": f"{at}/instances",
        "series metadata": f"{at}/metadata",
        "frame": f"{one}/frames/1",
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(count):
        for name, url in asked.items():
            begun = time.perf_counter()
            answer = session.get(url, headers={} if name == "frame" else headers)
            taken[name].append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == requests.codes.ok
    return {name: sorted(times)[int(len(times) * 0.95)] for name, times in taken.items()}
