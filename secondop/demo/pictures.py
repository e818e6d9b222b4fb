"""A small ultrasound examination drawn by computer: an oval shadow in grey tissue. About nobody."""

from __future__ import annotations

import random
from datetime import date, timedelta
from io import BytesIO

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

SIDE = 192
PICTURES = 2
DAYS_AGO = 41  # the day of the mammogram in the founding example


def ultrasound(*, patient: str, patient_id: str, born_on: date | None, today: date) -> list[bytes]:
    """Return the pictures as DICOM files, with a header that says too much, as real ones do."""
    study, series = generate_uid(), generate_uid()
    files = []
    for number in range(1, PICTURES + 1):
        data = FileDataset("", {}, preamble=bytes(128), file_meta=FileMetaDataset())
        data.SOPClassUID, data.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID = study, series
        data.PatientName, data.PatientID, data.PatientSex = patient, patient_id, "F"
        data.PatientBirthDate = f"{born_on:%Y%m%d}" if born_on else ""
        day = today - timedelta(days=DAYS_AGO)
        data.StudyDate = data.SeriesDate = f"{day:%Y%m%d}"
        data.StudyTime, data.AccessionNumber, data.StudyID = "093000", "HV-20417", "1"
        data.StudyDescription = "US breast left, suspicion of carcinoma"
        data.SeriesDescription = "Left breast 2 o'clock, tumour"
        data.ReferringPhysicianName, data.InstitutionName = "Brandt^H", "Hudson Valley Radiology"
        data.Modality, data.SeriesNumber, data.InstanceNumber = "US", 1, number
        data.Rows = data.Columns = SIDE
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
        data.BurnedInAnnotation = "NO"
        data.PixelData = _drawn(number)
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        out = BytesIO()
        data.save_as(out, enforce_file_format=True)
        files.append(out.getvalue())
    return files


def _drawn(number: int) -> bytes:
    """Speckled tissue in layers, and one dark irregular oval that is taller than wide."""
    grain = random.Random(number)  # noqa: S311 - speckle, the same on every installation
    wide, tall = 26 + 4 * number, 34 + 2 * number
    rows = bytearray()
    for y in range(SIDE):
        layer = 150 - 60 * y // SIDE + (18 if y % 48 < 5 else 0)
        for x in range(SIDE):
            across, down = (x - SIDE // 2) / wide, (y - SIDE // 2) / tall
            distance = across * across + down * down
            is_lump = distance < 0.9 + grain.random() * 0.2
            is_shadow = abs(across) < 0.8 and down > 1
            grey = 28 if is_lump else (layer // 2 if is_shadow else layer)
            rows.append(max(0, min(255, grey + grain.randrange(-14, 15))))
    return bytes(rows)
