"""Our reader of headers against pydicom on every file of the corpus, and against bad input."""

import json
import logging
import struct
import warnings

import pytest

from records.dicom import dictionary
from records.dicom.reader import Header, Unreadable
from records.dicom.values import DEFLATED_LE
from tests.records.dicom.corpus import DATA, a_file, an_element, dicom_files, needs_data

EXPECTED_REFUSALS = {
    "dicom/01-transfer-syntaxes/image_dfl.dcm": "deflated",  # inflated in the child, then read
    "dicom/08-non-image-objects/report_dfl": "deflated",
    "dicom/08-non-image-objects/wave_dfl": "deflated",
    "dicom/02-odd-but-real/meta_missing_tsyntax.dcm": "no_transfer_syntax",
    "dicom/02-odd-but-real/no_meta.dcm": "not_dicom",
    "dicom/02-odd-but-real/rtplan_truncated.dcm": "truncated",
    "dicom/05-dicomdir-media/README.txt": "not_dicom",
    "dicom/11-patient-cd/AUTORUN.INF": "not_dicom",
    "dicom/11-patient-cd/README.TXT": "not_dicom",
    "dicom/11-patient-cd/Thumbs.db": "not_dicom",
    "dicom/11-patient-cd/VIEWER/VIEWER.EXE": "not_dicom",
}


@pytest.fixture(scope="module")
def pydicom():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pydicom

        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        yield pydicom


def same(ours, theirs, path=""):  # noqa: C901
    """Yield where two data sets in the JSON model differ. Absent and empty values are one."""
    for tag in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(tag), theirs.get(tag)
        if tag.endswith("0000") or tag > "7FE00000" or tag == "FFFCFFFC":
            continue
        if mine is None or other is None:
            yield path + tag, mine, other
        elif mine["vr"] == "SQ" == other["vr"]:
            items, others = mine.get("Value", []), other.get("Value", [])
            if len(items) != len(others):
                yield path + tag, len(items), len(others)
            for number, (a, b) in enumerate(zip(items, others, strict=False)):
                yield from same(a, b, f"{path}{tag}.{number}.")
        elif mine["vr"] == "UN" and int(tag[:4], 16) & 1:
            continue  # pydicom knows some private dictionaries; we keep the bytes
        elif "BulkDataURI" in mine or "BulkDataURI" in other:
            if mine.get("BulkDataURI") != other.get("BulkDataURI"):
                yield path + tag, mine, other
        elif normal(mine) != normal(other):
            yield path + tag, mine, other


def normal(element):
    values = [
        {form: text for form, text in value.items() if text} if isinstance(value, dict) else value
        for value in element.get("Value", [])
    ]
    values = [None if value in ("", {}) else value for value in values]
    return element["vr"], [] if values == [None] else values, element.get("InlineBinary", "")


class TestDictionary:
    def test_it_is_the_one_of_pydicom(self, pydicom):
        from pydicom._dicom_dict import DicomDictionary

        for tag, (vr, _vm, _name, _retired, keyword) in DicomDictionary.items():
            if keyword:
                assert dictionary.vr_of(tag) == vr.replace(" or ", "/")
                assert dictionary.tag_of(keyword) == tag


@needs_data
@pytest.mark.parametrize("path", dicom_files())
def test_it_reads_what_pydicom_reads(path, pydicom):
    raw = (DATA / path).read_bytes()
    try:
        header = Header(raw, 0, len(raw))
    except Unreadable as exc:
        assert exc.code == EXPECTED_REFUSALS.get(path)
        return
    assert path not in EXPECTED_REFUSALS
    if path.endswith("badVR.dcm"):  # pydicom gives up on NumberOfFrames "1A"
        assert header.attributes["00280008"]["Value"] == ["1A"]
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(DATA / path, stop_before_pixels=True, force=True)
        theirs = data_set.to_json_dict(
            bulk_data_threshold=64 // 3 * 4 + 4, bulk_data_element_handler=lambda e: "@/bulk"
        )
    ours = json.loads(json.dumps(header.attributes))
    assert not list(same(bulk_named(ours), theirs))


def bulk_named(attributes):
    for element in attributes.values():
        if "BulkDataURI" in element:
            element["BulkDataURI"] = "@/bulk"
        for item in element.get("Value", []):
            if element["vr"] == "SQ":
                bulk_named(item)
    return attributes


class TestBadInput:
    """Whatever the bytes, the answer is a header or `Unreadable`, quickly and in little memory."""

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (struct.pack("<HH2s2xL", 0x7FE0, 0x11, b"OB", 0xFFFFFFFE) + b"abcd", "truncated"),
            (struct.pack("<HH2sH", 0x10, 0x10, b"PN", 900) + b"abcd", "truncated"),
            (
                (struct.pack("<HH2s2xL", 0x40, 0xA730, b"SQ", 0xFFFFFFFF)
                 + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)) * 20_000,
                "too_deep",
            ),
            (struct.pack("<HH2s2xL", 0x8, 0x1140, b"SQ", 0xFFFFFFFF) + b"\1" * 64, "truncated"),
            (an_element(0x8, 0x60, b"CS", b"") * 400_001, "too_many_elements"),
            (
                b"".join(an_element(0x11, 0x1000 + n, b"LO", b"") for n in range(20_002)),
                "too_many_elements",
            ),
        ],
    )  # fmt: skip
    def test_it_is_refused(self, body, code):
        raw = a_file(body)
        with pytest.raises(Unreadable) as refused:
            Header(raw, 0, len(raw))
        assert refused.value.code == code

    def test_pixels_that_claim_too_much_leave_the_header_readable(self):
        raw = a_file(
            an_element(0x28, 0x10, b"US", b"\xff\xff")
            + struct.pack("<HH2s2xL", 0x7FE0, 0x10, b"OW", 0xFFFFFFF0)
            + b"abcd"
        )
        header = Header(raw, 0, len(raw))
        assert header.pixels_short
        assert header.attributes["00280010"]["Value"] == [65535]

    def test_a_polyglot_preamble_is_not_looked_at(self):
        raw = b"MZ" + a_file(an_element(0x10, 0x10, b"PN", b"A^B "))[2:]
        assert Header(raw, 0, len(raw)).attributes["00100010"]["Value"] == [{"Alphabetic": "A^B"}]

    def test_deflated_is_known_by_its_name(self):
        raw = a_file(b"x" * 9, DEFLATED_LE.encode())
        with pytest.raises(Unreadable, match="deflated"):
            Header(raw, 0, len(raw))

    @pytest.mark.parametrize("length", [0, 1, 131, 132, 140])
    def test_a_stump_is_refused(self, length):
        raw = a_file(b"")[:length]
        with pytest.raises(Unreadable):
            Header(raw, 0, len(raw))
