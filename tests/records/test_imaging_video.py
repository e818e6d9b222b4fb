"""A video is kept and sent as its own stream; nothing pretends to render it."""

import pytest
from pydicom.encaps import encapsulate

from records.models import ImagingInstance
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.records.imaging.pages import reader_of
from tests.secondop.api.dicomweb_files import root, signed_in, whole

pytestmark = pytest.mark.django_db
MP4 = b"\0\0\0\x18ftypmp42" + bytes(2000)
MPEG = b"\0\0\x01\xba" + bytes(2000)


def a_video(stream, syntax="1.2.840.10008.1.2.4.102"):
    data = ct(1, NumberOfFrames="250", Modality="ES", SamplesPerPixel=3, BitsAllocated=8,
              BitsStored=8, HighBit=7, PixelRepresentation=0,
              PhotometricInterpretation="YBR_PARTIAL_420")  # fmt: skip
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.1"
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([stream])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    return as_bytes(data)


@pytest.mark.parametrize(("stream", "kind"), [(MP4, "video/mp4"), (MPEG, "video/mpeg")])
def test_rendered_is_the_stream_itself_and_no_picture(stream, kind):
    case_file = a_case_file()
    store(case_file, a_video(stream))
    client, one = signed_in(case_file.patient.user), ImagingInstance.objects.get()
    path = f"{root(case_file)}/studies/1.2.3.4/series/1.2.3.4.5/instances/{one.SOPInstanceUID}"
    answer = client.get(path + "/rendered")
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert whole(answer) == stream
    assert int(answer["Content-Length"]) == len(stream)
    for wanted in ("image/jpeg", "image/*"):
        refused = client.get(path + "/rendered", headers={"accept": wanted})
        assert refused.status_code == 406
        assert "video" in refused.json()["message"]
    assert client.get(path + "/thumbnail").status_code == 406
    assert client.get(path + "/rendered", headers={"accept": kind}).status_code == 200
    page = client.get(f"/records/case-files/{case_file.pk}/images/").content
    assert b"Video: no preview" in page


def test_a_picture_is_never_sent_to_who_wants_a_video():
    case_file = a_case_file()
    store(case_file, as_bytes(ct(1)))
    path = f"{root(case_file)}/studies/1.2.3.4/series/1.2.3.4.5/rendered"
    client = signed_in(case_file.patient.user)
    assert client.get(path, headers={"accept": "video/mp4"}).status_code == 406
    assert client.get(path)["Content-Type"] == "image/jpeg"


def test_a_sealed_reader_gets_no_video():
    """A stream may carry sound, titles and dates that nobody looked at."""
    case_file = a_case_file()
    store(case_file, a_video(MP4))
    clear(case_file)
    assert not ImagingInstance.objects.get().is_picture
    assert reader_of(case_file, "sealed").get(root(case_file) + "/studies").json() == []
