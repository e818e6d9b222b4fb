"""Erase the images of a case file that nobody will ever read. For the deadline watch.

Documents are taken back by `records.workflow.discard_files` and erased by an hourly task.
"""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q

from records.models import (
    CaseFile,
    ImagingIngest,
    ImagingInstance,
    ImagingPack,
    ImagingPicture,
    ImagingStudy,
    SeriesMetadata,
)
from secondop.audit.trail import note


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
    studies = ImagingStudy.objects.filter(case_file=case_file)
    count = studies.count()
    ImagingPicture.objects.filter(case_file=case_file).delete()
    SeriesMetadata.objects.filter(case_file=case_file).delete()
    ImagingInstance.objects.filter(case_file=case_file).delete()
    studies.delete()
    ImagingIngest.objects.filter(case_file=case_file).delete()
    ImagingPack.objects.filter(case_file=case_file).delete()
    note("imaging.removed", by=None, about=case_file, studies=count)
