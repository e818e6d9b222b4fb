"""Letters burned into pictures: found, never shown without a person, and gone when covered."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import UID

from bench.leaks.scans import FONTS
from records import imaging_desk_workflow, imaging_workflow
from records.blinding_search import foreign_ocr
from records.models import BlindingHit, ImagingCover, ImagingSeries
from secondop.lib.verdicts import Refused
from secondop.notifications.models import Notification
from tests.factories import coordinator
from tests.records.dicom import samples
from tests.records.test_blinding_search import told

pytestmark = pytest.mark.django_db
KINDS = {
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "OT": "1.2.840.10008.5.1.4.1.1.7",  # secondary capture
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
}
WIDE, HIGH = 900, 640


def lettered(modality: str, text: str) -> bytes:
    """A grey picture of eight bits with one line of letters at its top."""
    picture = Image.new("L", (WIDE, HIGH), 40)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((250, 220, 650, 560), fill=110)
    draw.text((40, 40), text, fill=250, font=ImageFont.truetype(FONTS[0], 40))
    data = samples.ct(series=f"1.2.3.4.{list(KINDS).index(modality) + 20}")
    data.SOPClassUID, data.Modality = UID(KINDS[modality]), modality
    data.StudyDescription = data.SeriesDescription = "Chest"
    data.Rows, data.Columns = HIGH, WIDE
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    for name in ("RescaleIntercept", "RescaleSlope", "WindowCenter", "WindowWidth",
                 "ImagePositionPatient", "ImageOrientationPatient"):  # fmt: skip
        delattr(data, name)
    data.PixelData = np.asarray(picture).tobytes()
    data["PixelData"].VR = "OB"
    return samples.as_bytes(data)


@pytest.fixture
def case():
    found = told(diagnosis="Glioblastoma", treatment="Craniotomy")
    samples.without_a_name(found.case_file)
    return found


def letters_in(series) -> str:
    """What OCR reads on a picture of the series as it is shown."""
    import io

    from django.core.files.storage import default_storage

    from records.dicom import thumbnails

    shown = thumbnails.picture(series.instances.select_related("pack").first(), 1, 0)
    with default_storage.open(shown.key) as stored:
        picture = Image.open(io.BytesIO(stored.read())).convert("L")
    return foreign_ocr._try(picture)["text"]


def test_letters_are_found_and_no_such_series_is_cleared_unseen(case, run_jobs):
    staff = coordinator(case.clinic)
    samples.store(case.case_file, *(lettered(kind, "GLIOBLASTOMA LEFT") for kind in KINDS))
    run_jobs()
    assert ImagingSeries.objects.count() == len(KINDS)
    for series in ImagingSeries.objects.all():
        assert series.may_show_text and series.blinding_class == "", series.modality
        hit = BlindingHit.objects.of("imaging_series", series.pk).filter(place="ocr").first()
        assert hit and hit.found == "GLIOBLASTOMA", series.modality
        with pytest.raises(Refused, match="Look at the pictures first"):
            imaging_workflow.classify(series, "clear", by=staff)
        assert ImagingSeries.objects.get(pk=series.pk).blinding_class == ""


def test_cleared_before_the_search_ended_it_is_taken_back(case, run_jobs):
    staff = coordinator(case.clinic)
    samples.store(case.case_file, lettered("US", "GLIOBLASTOMA LEFT"))
    imaging_workflow.classify(
        ImagingSeries.objects.get(), "clear", by=staff, has_seen_pictures=True
    )
    run_jobs()
    assert ImagingSeries.objects.get().blinding_class == "check"
    assert Notification.objects.filter(message="another_look_needed", to=staff).exists()


def test_covering_really_removes_the_letters(case, run_jobs):
    staff = coordinator(case.clinic)
    samples.store(case.case_file, lettered("CR", "GLIOBLASTOMA LEFT"))
    run_jobs()
    parent = ImagingSeries.objects.get()
    assert "GLIOBLASTOMA" in letters_in(parent)  # so that the reading is known to work
    imaging_desk_workflow.order_cover(parent, [[0, 0, 1000, 200]], by=staff)
    run_jobs()
    assert ImagingCover.objects.get().status == "done"
    copy = ImagingSeries.objects.get(parent=parent)
    run_jobs()  # the copy is searched like any series
    assert letters_in(copy).strip() == ""
    assert not BlindingHit.objects.of("imaging_series", copy.pk).exists()
    with pytest.raises(Refused, match="Show the covered copy instead"):
        imaging_workflow.classify(parent, "clear", by=staff, has_seen_pictures=True)
    with pytest.raises(Refused, match="Look at the pictures first"):
        imaging_workflow.classify(copy, "clear", by=staff)
    imaging_workflow.classify(copy, "clear", by=staff, has_seen_pictures=True)
    assert ImagingSeries.objects.get(pk=copy.pk).blinding_class == "clear"
