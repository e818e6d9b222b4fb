"""A whole slide as scanners write it: a pyramid of tiled JPEG, and beside it the slide's label."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageCms, ImageDraw
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, generate_uid

TILE = 256
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
PATH = "Brightfield, block A2 lumpectomy"  # a name somebody gave: it is no number


def a_slide(size: int = 1024) -> list[bytes]:
    """Three levels of tissue, then the photograph of its label."""
    chance, tissue = random.Random(1), Image.new("RGB", (size, size), (240, 225, 235))
    draw = ImageDraw.Draw(tissue)
    for _ in range(size):
        x, y, r = chance.randrange(size), chance.randrange(size), chance.randrange(4, 18)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(chance.randrange(90, 160), 60, 140))
    label = Image.new("RGB", (TILE, TILE), "white")
    ImageDraw.Draw(label).text((20, 100), "ROE^JANE  carcinoma", fill="black")
    levels = [tissue.resize((size // factor, size // factor)) for factor in (1, 2, 4)]
    uids = {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID",
                                              "FrameOfReferenceUID")}  # fmt: skip
    kinds = ["VOLUME", "VOLUME", "VOLUME", "LABEL"]
    return [
        _object(picture, number, kind, uids)
        for number, (picture, kind) in enumerate(zip([*levels, label], kinds, strict=True), 1)
    ]


def _object(picture: Image.Image, number: int, kind: str, uids: dict[str, str]) -> bytes:
    tiles = []
    for y in range(0, picture.height, TILE):
        for x in range(0, picture.width, TILE):
            out = io.BytesIO()
            picture.crop((x, y, x + TILE, y + TILE)).save(out, "JPEG")
            tiles.append(out.getvalue())
    spacing = 10 / picture.width
    data = _set(
        **uids,
        SOPClassUID=WHOLE_SLIDE,
        SOPInstanceUID=generate_uid(),
        Modality="SM",
        PatientName="Anonymous",
        PatientID="1",
        PatientBirthDate="",
        PatientSex="",
        StudyDate="20240101",
        StudyTime="101010",
        StudyID="",
        AccessionNumber="",
        ReferringPhysicianName="",
        SeriesNumber=1,
        InstanceNumber=number,
        Manufacturer="M",
        ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"],
        ContainerIdentifier="S24-11 A2",
        ImagedVolumeWidth=10.0,
        ImagedVolumeHeight=10.0,
        ImagedVolumeDepth=1.0,
        TotalPixelMatrixColumns=picture.width,
        TotalPixelMatrixRows=picture.height,
        TotalPixelMatrixOriginSequence=[
            _set(XOffsetInSlideCoordinateSystem=20.0, YOffsetInSlideCoordinateSystem=40.0)
        ],
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="YBR_FULL_422",
        NumberOfFrames=len(tiles),
        Rows=TILE,
        Columns=TILE,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        LossyImageCompression="01",
        BurnedInAnnotation="NO",
        SpecimenLabelInImage="YES" if kind == "LABEL" else "NO",
        NumberOfOpticalPaths=1,
        DimensionOrganizationType="TILED_FULL",
        TotalPixelMatrixFocalPlanes=1,
        SpecimenDescriptionSequence=[_set(SpecimenIdentifier="S24-11 A2")],
        OpticalPathSequence=[
            _set(
                OpticalPathIdentifier=PATH[:16],
                OpticalPathDescription=PATH,
                IlluminationTypeCodeSequence=[
                    _set(
                        CodeValue="111744",
                        CodingSchemeDesignator="DCM",
                        CodeMeaning="Brightfield illumination",
                    )
                ],
                ICCProfile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
            )
        ],
        SharedFunctionalGroupsSequence=[
            _set(
                PixelMeasuresSequence=[
                    _set(PixelSpacing=[f"{spacing:.10f}"] * 2, SliceThickness=0.001)
                ],
                OpticalPathIdentificationSequence=[_set(OpticalPathIdentifier=PATH[:16])],
            )
        ],
        PixelData=encapsulate(tiles),
    )
    data["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta = meta
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _set(**values: object) -> Dataset:
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data
