"""The bytes of one object for one sight: originals as received, or the allow-listed copy."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

from records.dicom import packs, wiping, writer
from records.dicom.metadata import header_of
from records.dicom.pieces import NO_PREAMBLE
from records.dicom.reader import UNDEFINED, Header
from records.dicom.values import DEFLATED_LE, EXPLICIT_LE, NATIVE, first, number
from records.imaging import View
from records.models import ImagingInstance

MAX_BULK_BYTES = 512 * 1024**2
AHEAD, AHEAD_BYTES = 4, 4 * 1024**2  # at most 16 MB wait to be sent
ITEM = b"\xfe\xff\x00\xe0"
END = b"\xfe\xff\xdd\xe0\0\0\0\0"


class NoSuchFrame(Exception):
    """The object has no frame of that number, or its frames could not be found."""


def frame(instance: ImagingInstance, number: int) -> tuple[int, int]:
    """Where frame `number` (from 1) stands in the pack: offset and length."""
    if not 1 <= number <= instance.frame_count:
        raise NoSuchFrame
    if len(instance.frame_offsets) == 1:
        length = instance.frame_lengths[0]
        return instance.frame_offsets[0] + (number - 1) * length, length
    return instance.frame_offsets[number - 1], instance.frame_lengths[number - 1]


def frame_blocks(
    key: str, place: tuple[int, int], transfer_syntax: str, *, is_sealed: bool, pixels: int
) -> Iterator[bytes]:
    """The bytes of one frame for one sight; `pixels` is rows times columns."""
    if not is_sealed or transfer_syntax in NATIVE:
        return packs.blocks(key, *place)
    return _wiped(key, place, transfer_syntax, pixels)


def may_be_given(instance: ImagingInstance, places: list[tuple[int, int]]) -> None:
    """Raises CannotBeWiped, before a byte is sent, when these frames are not for sealed readers."""
    syntax = instance.TransferSyntaxUID
    if syntax in NATIVE:
        return
    if not wiping.is_known(syntax) or any(length > wiping.MAX_BYTES for _at, length in places):
        raise wiping.CannotBeWiped


def is_given(view: View, instance: ImagingInstance) -> bool:
    """Whether this sight gets the object at all: of a study the others are still sent."""
    if not view.is_sealed:
        return True
    try:
        may_be_given(instance, [(0, length) for length in instance.frame_lengths])
    except wiping.CannotBeWiped:
        return False
    return True


def palette_bytes(view: View, instance: ImagingInstance, path: str) -> int:
    """How long a palette is by its own description: what stands behind is no colour."""
    described = first(header_of(view, instance), f"{path[:5]}1{path[6:]}", 0)
    return 2 * (described if isinstance(described, int) and described > 0 else 65536)


def _wiped(key: str, place: tuple[int, int], syntax: str, pixels: int) -> Iterator[bytes]:
    if place[1] > wiping.MAX_BYTES:
        raise wiping.CannotBeWiped
    raw = packs.read(key, *place)
    if len(raw) != place[1]:
        raise packs.Damaged
    yield wiping.wiped(raw, syntax, pixels=pixels)


def pixels_of(instance: ImagingInstance) -> int:
    """Rows times columns, as the header says."""
    told = json.loads(instance.search)
    return max(0, number(told, "00280010")) * max(0, number(told, "00280011"))


def whole(view: View, instance: ImagingInstance) -> tuple[int, Iterator[bytes]]:
    """Length and blocks of a file. SECURITY: the preamble may hold a program; it is emptied."""
    if view.is_sealed:
        return _projected(view, instance)
    return instance.size_bytes, _checked(instance)


def whole_each(
    view: View, chosen: list[ImagingInstance]
) -> Iterator[tuple[ImagingInstance, Iterator[bytes]]]:
    """Many files in turn. The next ones are read and hashed while one is being sent."""
    if view.is_sealed:
        yield from ((one, _projected(view, one)[1]) for one in chosen)
        return
    with ThreadPoolExecutor(1, "hash") as pool:
        waiting: deque[Future[bytes] | None] = deque()
        following = iter(chosen)
        for one in chosen:
            while len(waiting) < AHEAD and (later := next(following, None)):
                is_small = later.size_bytes <= AHEAD_BYTES
                waiting.append(pool.submit(_checked_at_once, later) if is_small else None)
            ready = waiting.popleft()
            yield one, iter([ready.result()]) if ready else _checked(one)


def _checked_at_once(instance: ImagingInstance) -> bytes:
    raw = packs.read(instance.pack.key, instance.offset, instance.size_bytes)
    if hashlib.sha256(raw).hexdigest() != instance.sha256:
        raise packs.Damaged
    if raw[128:132] == b"DICM" and not raw.startswith(NO_PREAMBLE):
        return NO_PREAMBLE + raw[128:]
    return raw


def _checked(instance: ImagingInstance) -> Iterator[bytes]:
    """The original, hashed on its way out. Its last block is held back until the hash is right."""
    digest, held = hashlib.sha256(), b""
    for block in packs.blocks(instance.pack.key, instance.offset, instance.size_bytes):
        digest.update(block)
        if held:
            yield held
        elif block[128:132] == b"DICM":
            block = bytes(128) + block[128:]
        held = block
    if digest.hexdigest() != instance.sha256:
        raise packs.Damaged
    yield held


def _projected(view: View, instance: ImagingInstance) -> tuple[int, Iterator[bytes]]:
    attributes = header_of(view, instance)
    element = attributes.get("7FE00010", {"vr": "OW"})
    syntax = instance.TransferSyntaxUID
    begin = writer.head(attributes, syntax)
    places = [frame(instance, turn) for turn in range(1, instance.frame_count + 1)]
    if syntax in NATIVE:
        size = sum(length for _at, length in places)
        begin += writer.pixel_head(element["vr"], size + size % 2, syntax)
        end = b"\0" * (size % 2)
        return len(begin) + size + len(end), chain([begin], _ranges(instance, places), [end])
    begin += writer.pixel_head("OB", UNDEFINED, syntax) + ITEM + bytes(4)
    may_be_given(instance, places)
    size = len(begin) + sum(8 + length + length % 2 for _at, length in places) + len(END)
    pixels = number(attributes, "00280010") * number(attributes, "00280011")
    return size, chain([begin], _items(instance, places, pixels), [END])


def _ranges(instance: ImagingInstance, places: list[tuple[int, int]]) -> Iterator[bytes]:
    for offset, length in places:
        yield from packs.blocks(instance.pack.key, offset, length)


def _items(
    instance: ImagingInstance, places: list[tuple[int, int]], pixels: int
) -> Iterator[bytes]:
    for offset, length in places:
        yield ITEM + (length + length % 2).to_bytes(4, "little")
        syntax = instance.TransferSyntaxUID
        yield from _wiped(instance.pack.key, (offset, length), syntax, pixels)
        yield b"\0" * (length % 2)


def bulk(instance: ImagingInstance, path: str) -> tuple[int, int] | None:
    """Where the value at `path` (tags and item numbers with dots) stands in the pack."""
    if instance.dataset_bytes > MAX_BULK_BYTES:
        return None
    raw = packs.read(instance.pack.key, instance.dataset_offset, instance.dataset_bytes)
    syntax = instance.TransferSyntaxUID
    header = Header(raw, 0, len(raw), EXPLICIT_LE if syntax == DEFLATED_LE else syntax)
    if path not in header.bulk:
        return None
    offset, length = header.bulk[path]
    return instance.dataset_offset + offset, length
