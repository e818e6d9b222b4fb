"""Erase images: all of a case file that nobody will ever read, or one study that was taken back.

Documents are taken back by `records.workflow.discard_files` and erased by an hourly task.
"""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q

from records.dicom import packs
from records.dicom.ingest import alone_in
from records.dicom.taking_out import take_out
from records.models import (
    CaseFile,
    ImagingIngest,
    ImagingInstance,
    ImagingPack,
    ImagingPicture,
    ImagingRemoval,
    ImagingStudy,
    SeriesMetadata,
)
from secondop.audit.trail import note
from secondop.jobs.models import PermanentFailure


def has_images() -> Q:
    """For a query over rows with a `case_file`: something of an image is stored for it."""
    own = {"case_file": OuterRef("case_file")}
    packs, archives = ImagingPack.objects.filter(**own), ImagingIngest.objects.filter(**own)
    return Q(Exists(packs)) | Q(Exists(archives))


def erase_images(case_file: CaseFile) -> None:
    """Erase the bytes of all images, then their rows, and say so in the trail. Safe to repeat.

    Not in a transaction: an object that is gone already is no error, a row without one is found
    again by the next run.
    """
    for kind in (SeriesMetadata, ImagingPicture, ImagingIngest, ImagingPack):
        rows = kind._default_manager.filter(case_file=case_file).exclude(key="")
        for key in rows.values_list("key", flat=True).iterator():
            default_storage.delete(key)
    archives = ImagingPack.objects.filter(case_file=case_file).exclude(headers_key="")
    for key in archives.values_list("headers_key", flat=True):
        default_storage.delete(key)
    studies = ImagingStudy.objects.filter(case_file=case_file)
    count = studies.count()
    ImagingPicture.objects.filter(case_file=case_file).delete()
    SeriesMetadata.objects.filter(case_file=case_file).delete()
    ImagingInstance.objects.filter(case_file=case_file).delete()
    studies.delete()
    ImagingIngest.objects.filter(case_file=case_file).delete()
    ImagingPack.objects.filter(case_file=case_file).delete()
    note("imaging.removed", by=None, about=case_file, studies=count)


def erase_study(job: ImagingRemoval) -> None:
    """Erase a study that was taken back, rows and bytes. Safe to run twice."""
    study = ImagingStudy.objects.filter(pk=job.study_id).select_related("case_file").first()
    if study is None:
        return
    pictures = ImagingPicture.objects.filter(instance__study=study)
    for rows in (SeriesMetadata.objects.filter(series__study=study), pictures):
        for key in rows.exclude(key="").values_list("key", flat=True):
            default_storage.delete(key)
    with alone_in(study.case_file):
        for pack in ImagingPack.objects.filter(instances__study=study).distinct().order_by("pk"):
            try:
                take_out(pack, study.pk)
            except packs.Damaged:
                raise PermanentFailure("damaged_pack") from None
            job.heartbeat()
    with job.closing():
        case_file = study.case_file
        study.delete()
        note("imaging.erased", by=None, about=case_file, instances=job.instance_count)
