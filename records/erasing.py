"""Everything that was sent for a case file that nobody will ever read. For `requests_app`.

First the rows say that it goes (inside the caller's transaction), then the bytes go: documents by
the hourly task of `records.documents`, images by `erase_images`. Either may be cut and run again.
"""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from records.models import (
    CaseFile,
    Document,
    ImagingIngest,
    ImagingInstance,
    ImagingPack,
    ImagingPicture,
    ImagingStudy,
    SeriesMetadata,
    Upload,
)
from records.proxies import on_behalf_of
from secondop.audit.trail import note
from secondop.lib.transitions import lock


def discard_files(case_file: CaseFile, *, by: Any) -> None:
    """Take every document back, and let unfinished uploads run out now. `by` may be None."""
    acting_for = on_behalf_of(by, case_file.patient)
    for document in Document.objects.filter(case_file=case_file).order_by("pk"):
        document = lock(document)
        if document.status != Document.Status.REMOVED:
            document.move_to(Document.Status.REMOVED)
            note("document.removed", by=by, about=document, on_behalf_of=acting_for)
    unfinished = Upload.objects.filter(case_file=case_file, finished_at=None)
    unfinished.update(expires_at=timezone.now())


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
