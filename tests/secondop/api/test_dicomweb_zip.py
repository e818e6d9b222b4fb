"""A study as a ZIP, as it came or as a sealed reader may have it; and frames sent by the proxy."""

import io
import zipfile
from urllib.parse import parse_qs, urlsplit

import pydicom
import pytest
from django.core.files.storage import default_storage

from records.dicom import zipping
from records.models import ImagingInstance, ImagingSeries
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.secondop.api.dicomweb_files import granted, root, signed_in, whole

pytestmark = pytest.mark.django_db


@pytest.fixture
def files():
    program = bytearray(as_bytes(ct(2)))
    program[:2] = b"MZ"
    other = ct(1, series="1.2.3.4.6", SeriesDescription="Never cleared")
    return [as_bytes(ct(1)), bytes(program), as_bytes(other)]


@pytest.fixture
def case_file(files):
    case_file = a_case_file()
    store(case_file, *files)
    return case_file


def ask(client, case_file, study="1.2.3.4"):
    path = f"{root(case_file)}/studies/{study}"
    answer = client.get(path, {"accept": "application/zip"}, headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="images.zip"'
    raw = whole(answer)
    assert len(raw) == int(answer["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        return {one.filename: archive.read(one) for one in archive.infolist()}


class TestZip:
    def test_the_patient_gets_every_byte_but_the_preamble(self, case_file, files):
        client = signed_in(case_file.patient.user)
        found = ask(client, case_file)
        assert list(found) == [
            "IMAGES/S0001/I000001.dcm", "IMAGES/S0001/I000002.dcm", "IMAGES/S0002/I000003.dcm",
        ]  # fmt: skip
        # By series and number, whatever the keys of the rows are.
        assert list(found.values()) == [bytes(128) + file[128:] for file in files]
        ImagingInstance.objects.update(crc32=None)  # as rows from before CRCs were kept
        assert sorted(ask(client, case_file).values()) == sorted(found.values())

    def test_a_sealed_reader_gets_new_objects_of_cleared_series_alone(self, case_file):
        clear(case_file)
        ImagingSeries.objects.filter(SeriesInstanceUID="1.2.3.4.6").update(blinding_class="")
        reader = factories.specialist(case_file.clinic).user
        granted(case_file, reader, "sealed")
        series = ImagingSeries.objects.select_related("study").get(SeriesInstanceUID="1.2.3.4.5")
        found = ask(signed_in(reader), case_file, series.study.alias_uid)
        assert list(found) == ["IMAGES/S0001/I000001.dcm", "IMAGES/S0001/I000002.dcm"]
        for raw in found.values():
            assert b"Example" not in raw
            assert b"carcinoma" not in raw
            data = pydicom.dcmread(io.BytesIO(raw))
            assert data.SeriesInstanceUID == series.alias_uid
            assert len(data.PixelData) == 512

    def test_damage_shows_to_whoever_unpacks_it(self, case_file):
        one = ImagingInstance.objects.select_related("pack").latest("offset")
        with open(default_storage.path(one.pack.key), "r+b") as file:  # noqa: PTH123
            file.seek(one.offset + one.size_bytes - 1)
            file.write(b"\xee")
        raw = whole(signed_in(case_file.patient.user).get(
            f"{root(case_file)}/studies/1.2.3.4", headers={"accept": "application/zip"}
        ))  # fmt: skip
        assert zipfile.ZipFile(io.BytesIO(raw)).testzip()

    def test_a_stranger_learns_nothing(self, case_file):
        path = f"{root(case_file)}/studies/1.2.3.4?accept=application/zip"
        assert signed_in(factories.UserFactory()).get(path).status_code == 404

    def test_its_directory_may_begin_behind_four_gigabytes(self):
        """Without writing them: the sizes are told, the blocks are not."""
        found = [
            zipping.Member(b"a%d" % n, 1024**3, 7, False, iter(()), n * (1024**3 + 32))
            for n in range(6)
        ]
        told = b"".join(zipping.stream(found))
        content = sum(member.written_bytes for member in found)
        assert zipping.size_of(found) == content + len(told) - 6 * 32
        end = zipping._end(found, content, 400)
        assert end[:4] == b"PK\x06\x06"
        assert int.from_bytes(end[48:56], "little") == content


@pytest.mark.parametrize("accept", ["*/*", "application/octet-stream"])
def test_the_proxy_is_told_the_same_frame(case_file, settings, accept):
    one = ImagingInstance.objects.select_related("pack").get(
        InstanceNumber=2, series__SeriesInstanceUID="1.2.3.4.5"
    )
    path = f"{root(case_file)}/studies/1.2.3.4/series/1.2.3.4.5/instances/{one.SOPInstanceUID}"
    client = signed_in(case_file.patient.user)
    plain = client.get(f"{path}/frames/1", headers={"accept": accept})
    settings.ACCEL_RANGES_PREFIX = "/_ranges/"
    for _way in ("long", "short"):
        told = client.get(f"{path}/frames/1", headers={"accept": accept})
        assert told.content == b""
        assert told["ETag"] == plain["ETag"]
        place = urlsplit(told["X-Accel-Redirect"])
        assert place.path == f"/_ranges/{one.pack.key}"
        order = {name: value[0] for name, value in parse_qs(place.query).items()}
        with open(default_storage.path(one.pack.key), "rb") as file:  # noqa: PTH123
            file.seek(int(order["offset"]))
            frame = file.read(int(order["length"]))
        before, after = (bytes.fromhex(order.get(name, "")) for name in ("before", "after"))
        boundary = told["Content-Type"].partition("boundary=")[2].encode()
        sent = before + frame + after
        if boundary:
            ours = plain["Content-Type"].partition("boundary=")[2].encode()
            sent = sent.replace(boundary, ours)
        assert sent == plain.content
