"""Words inside compressed frames: a sealed reader gets none, and the same pixels."""

import io
import struct
import zipfile

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.rle import _rle_decode_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from records.dicom import wiping
from records.dicom.values import EXPLICIT_LE
from records.models import ImagingInstance
from tests import factories
from tests.records.dicom.samples import a_case_file, as_bytes, clear, ct, store
from tests.secondop.api.dicomweb_files import every_answer, granted, root, signed_in, whole

# Words behind a plane unpack to more than the plane, before and after they are emptied.
pytestmark = pytest.mark.filterwarnings("ignore:The decoded RLE segment contains non-conformant")
WORD = b"CANARYZZ Example^Maria carcinoma"
SIZE = 32
NOISE = np.random.default_rng(7).integers(0, 255, (SIZE, SIZE), "u1")
COLOUR = np.random.default_rng(8).integers(0, 255, (SIZE, SIZE, 3), "u1")


def segment(marker):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(WORD) + 2) + WORD


def in_jpeg(frame, *, markers=(0xFE, 0xE1, 0xE2, 0xE8, 0xED, 0xEF)):
    """Words in every place of a JPEG or JPEG-LS: segments, before a scan, and behind the end."""
    at = frame.rindex(b"\xff\xda")
    told = b"".join(map(segment, markers))
    return frame[:2] + told + frame[2:at] + segment(0xFE) + frame[at:] + WORD


def jpeg_with_thumbnail():
    """A JFIF whose own thumbnail and an Adobe segment carry words behind what is read."""
    made = io.BytesIO()
    Image.fromarray(COLOUR).save(made, "JPEG", quality=95, comment=WORD)
    frame = made.getvalue()
    length = struct.unpack(">H", frame[4:6])[0]
    jfif = frame[6:18] + b"\x04\x03" + WORD + b"ZZZZ"
    adobe = b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 1) + WORD
    rest = b"".join(
        b"\xff" + code + struct.pack(">H", len(payload) + 2) + payload
        for code, payload in ((b"\xe0", jfif), (b"\xee", adobe))
    )
    return in_jpeg(frame[:2] + rest + frame[4 + length :])


def in_codestream(frame):
    """Words in comments of the main header and of a tile, and behind the end."""
    size = struct.unpack(">H", frame[4:6])[0]
    comment = b"\xff\x64" + struct.pack(">HH", len(WORD) + 4, 1) + WORD
    at = frame.index(b"\xff\x90")
    part = struct.unpack(">L", frame[at + 6 : at + 10])[0]
    grown = struct.pack(">L", part + len(comment)) if part else bytes(4)
    main = frame[: 4 + size] + comment + frame[4 + size : at]
    return main + frame[at : at + 6] + grown + frame[at + 10 : at + 12] + comment + (
        frame[at + 12 :] + WORD
    )  # fmt: skip


def in_boxes(frame):
    """A JP2 with XML, UUID and profile boxes around the codestream."""

    def box(kind, content):
        return struct.pack(">L4s", len(content) + 8, kind) + content

    header = box(b"ihdr", struct.pack(">LLHBBBB", SIZE, SIZE, 1, 7, 7, 0, 0))
    header += box(b"colr", b"\x01\0\0" + struct.pack(">L", 17)) + box(b"colr", b"\2\0\0" + WORD)
    header += box(b"xml ", WORD)
    return b"".join([
        box(b"jP  ", b"\r\n\x87\n"), box(b"ftyp", b"jp2 \0\0\0\0jp2 "), box(b"jp2h", header),
        box(b"xml ", WORD), box(b"uuid", bytes(16) + WORD), box(b"jp2c", in_codestream(frame)),
        box(b"free", WORD),
    ])  # fmt: skip


def rle(pixels):
    data = ct(1, size=SIZE)
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.PixelData = 7, 0, pixels.tobytes()
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = EXPLICIT_LE
    data.compress(RLELossless, encoding_plugin="pydicom")
    return next(pydicom.encaps.generate_frames(data.PixelData, number_of_frames=1))


def in_rle(frame):
    """Words in the unused part of its header, between header and plane, and behind the plane."""
    head = struct.pack("<2L", 1, 64 + len(WORD)) + (WORD * 2)[:56]
    return head + WORD + frame[64:] + WORD


CASES = {
    "JPEG": (JPEGBaseline8Bit, lambda: in_jpeg(imagecodecs.jpeg8_encode(NOISE))),
    "JPEG in colour": (JPEGBaseline8Bit, jpeg_with_thumbnail),
    "JPEG lossless": (JPEGLosslessSV1, lambda: in_jpeg(imagecodecs.ljpeg_encode(NOISE))),
    "JPEG-LS": (JPEGLSLossless, lambda: in_jpeg(imagecodecs.jpegls_encode(NOISE),
                                                markers=(0xFE, 0xE1, 0xE7, 0xEF))),
    "JPEG 2000": (JPEG2000, lambda: in_codestream(imagecodecs.jpeg2k_encode(
        NOISE, codecformat="j2k", level=0))),
    "JPEG 2000 in boxes": (JPEG2000, lambda: in_boxes(imagecodecs.jpeg2k_encode(
        NOISE, codecformat="j2k", level=0))),
    "HTJ2K": (HTJ2K, lambda: in_codestream(imagecodecs.htj2k_encode(NOISE))),
    "RLE": (RLELossless, lambda: in_rle(rle(NOISE))),
}  # fmt: skip
DECODERS = {
    JPEGBaseline8Bit: imagecodecs.jpeg8_decode, JPEGLosslessSV1: imagecodecs.ljpeg_decode,
    JPEGLSLossless: imagecodecs.jpegls_decode, JPEG2000: imagecodecs.jpeg2k_decode,
    HTJ2K: imagecodecs.htj2k_decode,
    RLELossless: lambda raw: np.frombuffer(_rle_decode_frame(raw, SIZE, SIZE, 1, 8), "u1"),
}  # fmt: skip


def an_object(number, syntax, frame):
    colour = {"SamplesPerPixel": 3, "PlanarConfiguration": 0,
              "PhotometricInterpretation": "YBR_FULL_422"}  # fmt: skip
    data = ct(number, size=SIZE, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
              **(colour if b"Adobe" in frame else {}))  # fmt: skip
    data.PixelData = encapsulate([frame])
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
    data.file_meta.TransferSyntaxUID = syntax
    return as_bytes(data)


class TestWiped:
    @pytest.mark.parametrize("name", CASES)
    def test_no_word_is_left_and_the_pixels_are_the_same(self, name):
        syntax, make = CASES[name]
        frame = make()
        assert frame.count(WORD) >= 2
        wiped = wiping.wiped(frame, syntax, pixels=SIZE * SIZE)
        assert len(wiped) == len(frame)
        for word in (b"ZZ", b"CANARY", b"Example", b"carcinoma"):
            assert word not in wiped
        decode = DECODERS[syntax]
        assert np.array_equal(decode(wiped), decode(frame))
        assert wiping.wiped(wiped, syntax, pixels=SIZE * SIZE) == wiped
        if "JPEG" in name and "LS" not in name and "lossless" not in name:  # another decoder
            pictures = [np.asarray(Image.open(io.BytesIO(raw))) for raw in (frame, wiped)]
            assert np.array_equal(*pictures)

    @pytest.mark.parametrize("name", CASES)
    def test_what_is_cut_short_or_changed_ends_and_keeps_its_length(self, name):
        """Wherever it stops being a frame, no error, no endless loop, no word."""
        syntax, make = CASES[name]
        frame = make()
        random = np.random.default_rng(1)
        broken = [frame[:end] for end in range(0, len(frame), 37)]
        for _turn in range(200):
            other = bytearray(frame)
            other[random.integers(0, len(frame))] = random.integers(0, 256)
            broken.append(bytes(other))
        for one in broken:
            assert len(wiping.wiped(one, syntax, pixels=SIZE * SIZE)) == len(one)

    def test_what_is_no_frame_is_emptied(self):
        for syntax in wiping.KNOWN:
            assert wiping.wiped(WORD, syntax, pixels=4) == bytes(len(WORD))

    def test_a_form_not_known_is_not_given(self):
        with pytest.raises(wiping.CannotBeWiped):
            wiping.wiped(WORD, "1.2.840.10008.1.2.4.110")


@pytest.mark.django_db
class TestSealed:
    @pytest.fixture
    def case_file(self):
        case_file = a_case_file()
        objects = [an_object(n, syntax, make()) for n, (syntax, make) in enumerate(CASES.values())]
        assert [result.problem for result in store(case_file, *objects)] == [""] * len(CASES)
        clear(case_file)
        return case_file

    @pytest.fixture
    def reader(self, case_file):
        user = factories.specialist(case_file.clinic).user
        granted(case_file, user, "sealed")
        return signed_in(user)

    def test_no_channel_gives_a_word(self, case_file, reader, settings):
        settings.ACCEL_RANGES_PREFIX = "/_ranges/"  # which only whole bytes as stored may go by
        wanted = set(ImagingInstance.objects.values_list("alias_uid", flat=True))
        frames = set()
        for answer in every_answer(reader, case_file):
            body = whole(answer)
            assert "X-Accel-Redirect" not in answer
            for word in (b"CANARY", b"Example", b"carcinoma"):
                assert word not in body
            path = answer.request["PATH_INFO"]
            if path.endswith("/frames/1") and answer.status_code == 200:
                frames.add(path.split("/")[-3])
                short = reader.get(path, headers={"accept": "*/*"})
                bulk = reader.get(path.replace("frames/1", "bulkdata/7FE00010"))
                for other in (short, bulk):
                    assert other.status_code == 200
                    assert b"CANARY" not in whole(other)
        assert frames == wanted
        study = reader.get(root(case_file) + "/studies").json()[0]["0020000D"]["Value"][0]
        path = f"{root(case_file)}/studies/{study}?accept=application/zip"
        archive = zipfile.ZipFile(io.BytesIO(whole(reader.get(path))))
        copies = [archive.read(name) for name in archive.namelist()]
        assert len(copies) == len(CASES)
        originals = [make() for _syntax, make in CASES.values()]
        for raw in copies:
            assert b"CANARY" not in raw
            copy = pydicom.dcmread(io.BytesIO(raw))
            frame = next(pydicom.encaps.generate_frames(copy.PixelData, number_of_frames=1))
            syntax = copy.file_meta.TransferSyntaxUID
            original = originals[copy.InstanceNumber]
            assert np.array_equal(DECODERS[syntax](frame), DECODERS[syntax](original))

    def test_with_full_sight_the_bytes_are_those_that_came(self, case_file, settings):
        client = signed_in(case_file.patient.user)
        one = ImagingInstance.objects.order_by("InstanceNumber").first()
        path = (f"{root(case_file)}/studies/1.2.3.4/series/1.2.3.4.5/instances/"
                f"{one.SOPInstanceUID}/frames/1")  # fmt: skip
        for _way in ("long", "short"):
            assert CASES["JPEG"][1]() in whole(client.get(path))
        settings.ACCEL_RANGES_PREFIX = "/_ranges/"
        assert "X-Accel-Redirect" in client.get(path)

    def test_nothing_behind_plain_pixels_or_a_palette_is_given(self, case_file, reader):
        data = ct(90, size=15, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
        data.PixelData = bytes(225) + WORD + b"Z"
        data["PixelData"].VR = "OB"
        odd = ct(91, size=15, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
        odd.PixelData = bytes(225) + b"Z"
        odd.PhotometricInterpretation = "PALETTE COLOR"
        for color in ("Red", "Green", "Blue"):
            setattr(odd, f"{color}PaletteColorLookupTableDescriptor", [16, 0, 16])
            setattr(odd, f"{color}PaletteColorLookupTableData", bytes(32) + WORD)
        assert [r.problem for r in store(case_file, as_bytes(data), as_bytes(odd))] == ["", ""]
        clear(case_file)
        seen = 0
        for answer in every_answer(reader, case_file):
            body = whole(answer)
            assert b"CANARY" not in body
            if answer.request["PATH_INFO"].endswith("/frames/1"):
                seen += body.count(bytes(225))
                assert bytes(225) + b"Z" not in body
        assert seen == 2
        base = root(case_file)
        for one in ImagingInstance.objects.filter(InstanceNumber__gte=90).select_related("study"):
            names = one.study.alias_uid, one.series.alias_uid, one.alias_uid
            path = "{}/studies/{}/series/{}/instances/{}/bulkdata/".format(base, *names)
            for tag in ("7FE00010", "00281201"):
                assert b"Z" not in whole(reader.get(path + tag)).replace(b"Z-", b"")[-200:]

    def test_a_form_not_known_is_left_out(self, case_file, reader):
        odd = an_object(95, JPEG2000, WORD).replace(
            JPEG2000.encode(), JPEG2000[:-2].encode() + b"99"
        )
        assert [result.problem for result in store(case_file, odd)] == [""]
        clear(case_file)
        assert not ImagingInstance.objects.get(InstanceNumber=95).is_picture
        ImagingInstance.objects.filter(InstanceNumber=95).update(is_picture=True)  # of before
        statuses = [(a.status_code, whole(a)) for a in every_answer(reader, case_file)]
        assert sum(status == 406 for status, _body in statuses) == 3  # whole, frame and bulk
        assert not any(b"CANARY" in body for _status, body in statuses)
