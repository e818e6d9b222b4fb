"""A header read after another one is the header read alone, on every pair of the corpus."""

import json

import pytest

from records.dicom import objects
from records.dicom.reader import Header, Unreadable
from records.dicom.repeats import Repeats
from tests.records.dicom.corpus import DATA, a_file, an_element, dicom_files, needs_data
from tests.records.dicom.samples import as_bytes, ct


def read(raw, repeats=None, prefix=b""):
    """What a header says, with its places counted from the beginning of the object."""
    start = len(prefix)
    raw = prefix + raw
    try:
        header = Header(raw, start, len(raw), repeats=repeats)
    except Unreadable as exc:
        return exc.code
    text = "{" + ",".join(header.texts.values()) + "}" if repeats else ""
    return (
        json.dumps(header.attributes, separators=(",", ":")).replace("\\u0000", ""),
        {path: (at - start, length) for path, (at, length) in header.bulk.items()},
        header.pixels and (header.pixels[0], header.pixels[1] - start, header.pixels[2]),
        header.pixels_short,
        header._count,
    ), text


def check(files):
    repeats = Repeats()
    for number, raw in enumerate(files):
        alone, after = read(raw), read(raw, repeats, bytes(number % 7))
        if isinstance(alone, str):
            assert after == alone
            continue
        assert after[0] == alone[0]
        assert after[1] == alone[0][0]


@needs_data
def test_every_file_after_every_kind_of_neighbour():
    files = [(DATA / path).read_bytes() for path in dicom_files()]
    check(files)
    check([file for raw in files for file in (raw, raw, raw)])
    check(files[::-1])


def slices():
    yield as_bytes(ct(1))
    yield as_bytes(ct(2))
    yield as_bytes(ct(3, SeriesDescription="Other", PatientComments="new in between"))
    yield as_bytes(ct(4))
    latin = ct(5, PatientName="M\xfcller^J\xf6rg")
    latin.SpecificCharacterSet = "ISO_IR 100"
    yield as_bytes(latin)
    utf8 = ct(6, PatientName="M\xfcller^J\xf6rg")
    utf8.SpecificCharacterSet = "ISO_IR 192"
    yield as_bytes(utf8)
    yield as_bytes(ct(7))
    yield as_bytes(ct(8, PixelRepresentation=0))
    yield as_bytes(ct(9), "1.2.840.10008.1.2")
    yield as_bytes(ct(10), "1.2.840.10008.1.2")


def test_slices_that_differ_here_and_there():
    check(list(slices()))
    check(list(slices()) * 3)


def test_the_same_bytes_under_another_character_set_are_read_again():
    name = an_element(0x10, 0x10, b"PN", "M\xfc".encode())
    files = [
        a_file(an_element(8, 5, b"CS", charset) + name)
        for charset in (b"ISO_IR 192", b"ISO_IR 192", b"ISO_IR 100", b"ISO_IR 192")
    ]
    check(files)
    assert read(files[2])[0] != read(files[3])[0]


def test_what_comes_twice_and_out_of_order_counts_as_when_read_alone():
    one = an_element(0x10, 0x20, b"LO", b"A1")
    two = an_element(0x10, 0x20, b"LO", b"B2")
    raw = an_element(0x9, 0x1010, b"UN", b"")[:8]
    other = an_element(0x8, 0x60, b"CS", b"CT")
    check([a_file(one + two + other), a_file(two + one + other), a_file(other + one + one)] * 2)
    check([a_file(raw + one), a_file(one), a_file(one[:9])])


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_an_end_in_the_middle_of_what_repeats_is_still_an_end(cut):
    whole = a_file(b"".join(an_element(0x10, n, b"LO", b"abcd") for n in range(0x20, 0x40)))
    check([whole, whole, whole, whole[: len(whole) - cut]])


def test_what_is_told_of_an_object_is_what_its_header_says():
    repeats = Repeats()
    for raw in slices():
        alone = objects.receive(Header(raw, 0, len(raw)))
        after = objects.receive(Header(raw, 0, len(raw), repeats=repeats))
        assert after == alone
        assert json.loads(after.line)["00080018"]["Value"] == [alone.instance_uid]
