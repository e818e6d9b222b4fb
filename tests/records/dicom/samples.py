"""DICOM objects made for the tests, and the ways to store them."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from records.dicom.ingest import Batch, Result
from records.models import CaseFile, ImagingSeries, Patient
from tests.factories import ClinicFactory, PatientFactory


def a_case_file(clinic: Any = None) -> CaseFile:
    clinic = clinic or ClinicFactory()
    return CaseFile.objects.create(clinic=clinic, patient=PatientFactory(clinic=clinic))


def without_a_name(case_file: CaseFile) -> CaseFile:
    """The patient has not told a name yet, so nothing can be compared with the patient."""
    Patient.objects.filter(pk=case_file.patient_id).update(full_name="", born_on=None)
    return case_file


def ct(
    number: int = 1, *, study: str = "", series: str = "", size: int = 16, **changes: Any
) -> Dataset:
    """One slice as a scanner writes it. `changes` are DICOM keywords."""
    data = FileDataset(None, {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = study or "1.2.3.4", series or "1.2.3.4.5"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientName, data.PatientID, data.PatientBirthDate = "Example^Maria", "P1", "19700314"
    data.StudyDate, data.StudyTime, data.AccessionNumber = "20240115", "093000", "ACC1"
    data.StudyDescription, data.SeriesDescription = "CT chest, carcinoma follow-up", "Thorax"
    data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", 2, number
    data.Rows = data.Columns = size
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.PixelSpacing, data.ImagePositionPatient = ["0.7", "0.7"], ["0", "0", str(number)]
    data.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    data.RescaleIntercept, data.RescaleSlope = "-1024", "1"
    data.WindowCenter, data.WindowWidth = "40", "400"
    pixels = np.arange(size * size, dtype="<i2") + number
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    for keyword, value in changes.items():
        setattr(data, keyword, value)
    return data


def as_bytes(
    data: Dataset, syntax: str = ExplicitVRLittleEndian, *, uid: str = "", named: bool = True
) -> bytes:
    """The file. `uid` is for the meta header when it differs; `named` False leaves it out there."""
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = uid or data.SOPInstanceUID or "1.2.3"
    data.file_meta.TransferSyntaxUID = data.file_meta.get("TransferSyntaxUID") or syntax
    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    raw = out.getvalue()
    return raw if named else raw.replace(struct.pack("<HH2sH", 2, 3, b"UI", 6) + b"1.2.3\0", b"")


def store(case_file: CaseFile, *files: bytes, by: Any = None) -> list[Result]:
    """Take in these objects as one batch."""
    with Batch(case_file, by=by or case_file.patient.user) as batch:
        for file in files:
            batch.begin()
            for start in range(0, len(file), 100_000):
                batch.write(file[start : start + 100_000])
            batch.finish()
        return batch.close()


def clear(case_file: CaseFile) -> None:
    """Release every series of a case file to sealed readers."""
    from django.utils import timezone

    ImagingSeries.objects.filter(case_file=case_file).update(
        blinding_class="clear", classified_by=case_file.patient.user, classified_at=timezone.now()
    )
