"""Pictures are made in the guarded child for every syntax with a decoder; else "no preview"."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate

from bench.imaging import corpus
from records.dicom import packs, thumbnails
from records.models import ImagingInstance
from tests.records.dicom.samples import a_case_file, as_bytes, ct, store

pytestmark = pytest.mark.django_db
needs_data = pytest.mark.skipif(
    not corpus.DATA.exists(), reason="the shared records are not on this machine"
)
SYNTAXES = ["MR_small", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "image_dfl",
            "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "SC_rgb_dcmtk_+eb+cy+np",
            "SC_rgb_jpeg_gdcm", "SC_rgb_rle_2frame", "examples_palette", "examples_rgb_color",
            "examples_ybr_color", "JPEG2000"]  # fmt: skip


def a_picture(*files, edge=64):
    results = store(a_case_file(), *files)
    assert [result.problem for result in results] == [""]
    return thumbnails.picture(ImagingInstance.objects.get(), 1, edge)


def opened(made):
    return Image.open(io.BytesIO(packs.read(made.key, 0, made.size_bytes)))


@needs_data
@pytest.mark.parametrize("name", SYNTAXES)
def test_every_syntax_with_a_decoder_gets_a_picture(name):
    made = a_picture((corpus.DATA / "dicom/01-transfer-syntaxes" / f"{name}.dcm").read_bytes())
    assert made.key, "no preview"
    picture = opened(made)
    assert max(picture.size) == 64 or min(picture.size) > 0
    assert np.asarray(picture.convert("L")).std() > 5  # there is something to see


@needs_data
@pytest.mark.parametrize("name", [name for name in SYNTAXES[1:7] if name != "image_dfl"])
def test_the_same_image_in_another_syntax_looks_the_same(name):
    folder = corpus.DATA / "dicom/01-transfer-syntaxes"
    one = opened(a_picture((folder / "MR_small.dcm").read_bytes()))
    ImagingInstance.objects.all().delete()
    other = opened(a_picture((folder / f"{name}.dcm").read_bytes()))
    assert np.abs(np.asarray(one, "i2") - np.asarray(other, "i2")).mean() < 2


def test_the_window_of_the_file_is_used():
    data = ct(1, WindowCenter="-1000", WindowWidth="200")
    levels = np.asarray(opened(a_picture(as_bytes(data), edge=0)).convert("L"))
    assert levels[0, 0] < 120 < 250 < levels[-1, -1]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90",
                                    "1.2.840.10008.1.2.4.50"])  # fmt: skip
def test_a_claim_of_60_000_by_60_000_gives_no_preview(syntax):
    data = ct(1)
    data.file_meta.TransferSyntaxUID = syntax
    data.Rows = data.Columns = 60_000
    data.PixelData = encapsulate([b"\xff\xd8\xff" + bytes(400)])
    data["PixelData"].is_undefined_length = True
    assert a_picture(as_bytes(data)).key == ""


def test_what_has_no_frame_has_no_picture():
    data = ct(1)
    data.PixelData = b"\0\0"
    assert a_picture(as_bytes(data)).key == ""
