"""The images of an archive (the ZIP of a CD), entry by entry. Used by the `ImagingIngest` job.
A single object is taken as it is.

SECURITY: names are never used; nothing is unpacked to a folder. Counts, sizes and ratios are
limited before and while unpacking, and an entry is believed by its content alone. What is not an
image is left where it is and counted; the rest of the archive survives it.
"""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO, Any, cast

from django.core.files.storage import default_storage

from records.dicom.ingest import Batch, shelve
from records.dicom.packs import PackWriter, StayingPack, local_path, new_folder
from records.dicom.unpackers import PACK_BYTES, PACK_INSTANCES, Entry, Filled, Unpacker
from records.export import taking_in
from records.models import CaseFile, ImagingIngest
from secondop.jobs.models import PermanentFailure

MAX_ENTRIES = 20_000
MAX_TOTAL_BYTES = 60 * 1024**3
SPLIT_ENTRIES, SPLIT_BYTES = 32, 16 * 1024**2  # less is not worth a second child
BLOCK_BYTES = 512 * 1024
FIRST_PART = 0.46  # lighter: while its rows are written the second child is still at work
BESIDE_BYTES = 1024  # an entry's names, times and place in the directory


class Refused(Exception):
    """The whole archive cannot be taken; the code is one of `records.dicom.problems`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def take(job: ImagingIngest) -> None:
    """Run a job: count what came in, what was refused and why."""

    def beat(done: int, total: int) -> None:
        job.heartbeat(done_count=done, total_count=total, unit="files")

    with ExitStack() as stack:
        file: IO[bytes]
        if path := local_path(job.key):
            file = stack.enter_context(path.open("rb"))
        else:  # an archive is read by its end first: bring it here
            file = stack.enter_context(NamedTemporaryFile())
            with default_storage.open(job.key) as stored:
                for block in iter(lambda: stored.read(BLOCK_BYTES), b""):
                    file.write(block)
        try:
            # Through a door it was let in, and is in the ledger, when it arrived: not asked again.
            sender = job if job.record_request_id else job.by
            found, outcome = _look_and_ingest(file, job.case_file, sender, beat, path)
        except (Refused, taking_in.NotWhole) as refused:
            told = {"archive": refused.code}
            if member := getattr(refused, "member", ""):
                told["member"] = member
            ImagingIngest.objects.filter(pk=job.pk).update(outcome=told)
            raise PermanentFailure(refused.code) from None
        if found.is_copy or found.papers:
            outcome = _with_documents(outcome, found, taking_in.take_documents(job, found, beat))
    with job.closing():
        ImagingIngest.objects.filter(pk=job.pk).update(outcome=outcome)
    default_storage.delete(job.key)


def _look_and_ingest(
    file: IO[bytes], case_file: CaseFile, by: Any, beat: Any, stored: Path | None
) -> tuple[taking_in.Found, dict[str, Any]]:
    """What else is in it is looked at while the children unpack, before anything is stored."""
    file.flush()
    path = Path(file.name)
    with unpacking(file, stored=stored) as unpacked:
        found = taking_in.look(path, beat)
        return found, unpacked.store(case_file, by=by, beat=beat)


def _with_documents(
    outcome: dict[str, Any], found: taking_in.Found, documents: dict[str, int]
) -> dict[str, Any]:
    """The counts of both. In a copy of a case file nothing was left out: the rest describes it."""
    refused = Counter(outcome["refused"])
    if found.is_copy:
        refused -= Counter({"not_dicom": refused["not_dicom"], "media_directory": 1})
    refused["not_dicom"] -= documents.get("documents", 0) + documents.get("documents_known", 0)
    if count := documents.pop("no_room", 0):
        refused["no_room"] = count
    kept = {code: count for code, count in refused.items() if count > 0}
    return outcome | documents | {"refused": kept, "is_copy": found.is_copy}


def ingest(file: IO[bytes], case_file: CaseFile, *, by: Any) -> dict[str, Any]:
    """Store every image of the archive, in packs of a bounded size. Raises Refused.

    Returns counts: {"stored": 812, "known": 3, "refused": {"not_dicom": 14}}.
    """
    with unpacking(file) as unpacked:
        return unpacked.store(case_file, by=by)


@contextmanager
def unpacking(file: IO[bytes], *, stored: Path | None = None) -> Iterator[Unpacked]:
    """Children at work on the archive: what they find is to be stored. Raises Refused.

    `stored`: the archive as a stored file that may become a pack itself.
    """
    if _is_an_object(file):
        yield Unpacked(file, 1, [])
        return
    entries = _entries(file)
    with ExitStack() as stack:
        descriptor = _descriptor(file, stack)
        folder = Path(stack.enter_context(TemporaryDirectory(dir=new_folder(), prefix="zip-")))
        may_stay = bool(stored) and _can_be_a_pack(entries, os.fstat(descriptor).st_size)
        parts = [
            stack.enter_context(Unpacker(folder, descriptor, part, may_stay=may_stay))
            for part in _parts(entries, 0.5 if may_stay else FIRST_PART)
        ]
        yield Unpacked(file, len(entries), parts, stored)


@dataclass
class Unpacked:
    """An archive, or a single object, that is being read."""

    file: IO[bytes]
    count: int  # entries
    parts: list[Unpacker]
    stored: Path | None = None

    def store(self, case_file: CaseFile, *, by: Any, beat: Any = None) -> dict[str, Any]:
        """What stands first is stored first. Returns counts: see `ingest`."""
        if not self.parts and self.count:
            return _one_object(self.file, case_file, by=by)
        told: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        done = 0
        for writer, filled in self._packs():
            shelve(case_file, writer, filled.kept, filled.lines, by=by)
            for kept in filled.kept:
                if kept.result.problem:
                    refused[kept.result.problem] += 1
                else:
                    told["stored" if kept.result.is_new else "known"] += 1
            told["known"] += filled.known_count
            refused.update(filled.refused)
            done += filled.count
            if beat:
                beat(done, self.count)
        return {"stored": told["stored"], "known": told["known"], "refused": dict(refused)}

    def _packs(self) -> Iterator[tuple[PackWriter, Filled]]:
        """As they are full. What can stay in the archive is one pack when that is all of it."""
        staying: list[Filled] = []
        for part in self.parts:
            for filled in part.packs():
                if filled.writer is None:
                    staying.append(filled)
                    continue
                yield from self._in_place(staying)
                staying = []
                yield filled.writer, filled
        yield from self._in_place(staying)

    def _in_place(self, staying: list[Filled]) -> Iterator[tuple[PackWriter, Filled]]:
        uids = [kept.received.instance_uid for filled in staying for kept in filled.kept]
        if len(set(uids)) == len(uids) > 0:
            staying = [Filled.of(staying)]
        for filled in staying:
            with StayingPack(cast(Path, self.stored), self.count) as writer:
                yield writer, filled


def _can_be_a_pack(entries: list[zipfile.ZipInfo], size_bytes: int) -> bool:
    """Nothing in it but members that are stored as they are, and no more than a pack holds."""
    within = sum(entry.file_size for entry in entries)
    return (
        0 < len(entries) <= PACK_INSTANCES
        and size_bytes <= PACK_BYTES
        and all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        and size_bytes - within <= len(entries) * BESIDE_BYTES
    )


def _descriptor(file: IO[bytes], stack: ExitStack) -> int:
    """Of the archive; what is no file on the disk becomes one."""
    try:
        file.flush()
        return file.fileno()
    except (OSError, AttributeError):
        copy = stack.enter_context(NamedTemporaryFile())  # noqa: SIM115
        file.seek(0)
        for block in iter(lambda: file.read(BLOCK_BYTES), b""):
            copy.write(block)
        copy.flush()
        return copy.fileno()


def _parts(entries: list[zipfile.ZipInfo], first: float) -> list[list[Entry]]:
    """One part for each child, in the order they stand; `first` is the share of the first."""
    rows: list[Entry] = [
        (number, one.header_offset, one.compress_size, one.file_size, one.CRC,
         one.compress_type, one.flag_bits, one.external_attr)
        for number, one in enumerate(entries)
    ]  # fmt: skip
    total = sum(row[3] for row in rows)
    if len(rows) < SPLIT_ENTRIES or total < SPLIT_BYTES or (os.cpu_count() or 1) < 2:
        return [rows] if rows else []
    weight, middle = 0, 0
    while weight < total * first:
        weight += rows[middle][3]
        middle += 1
    return [rows[:middle], rows[middle:]]


def _is_an_object(file: IO[bytes]) -> bool:
    """Somebody sent one image instead of an archive."""
    file.seek(0)
    head = file.read(132)
    file.seek(0)
    return head[128:] == b"DICM"


def _one_object(file: IO[bytes], case_file: CaseFile, *, by: Any) -> dict[str, Any]:
    with Batch(case_file, by=by) as batch:
        batch.begin()
        for block in iter(lambda: file.read(BLOCK_BYTES), b""):
            batch.write(block)
        batch.finish()
        [result] = batch.close()
    refused = {result.problem: 1} if result.problem else {}
    stored = int(result.is_new)
    return {"stored": stored, "known": 1 - stored - len(refused), "refused": refused}


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused("not_an_archive") from None


def _entries(file: IO[bytes]) -> list[zipfile.ZipInfo]:
    """The files of the archive in the order they stand. Raises Refused for a bomb."""
    if _announced(file) > MAX_ENTRIES:  # before the directory is read into memory
        raise Refused("too_many_entries")
    entries = [entry for entry in _opened(file).infolist() if not entry.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise Refused("too_many_entries")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise Refused("archive_too_large")
    entries.sort(key=lambda entry: entry.header_offset)
    end = 0
    for entry in entries:  # entries that share bytes unpack to more than their archive holds
        if entry.header_offset < end:
            raise Refused("overlapping")
        end = entry.header_offset + 30 + entry.compress_size
    return entries


def _announced(file: IO[bytes]) -> int:
    """How many entries the end of the archive announces; the size of the directory bounds a lie."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise Refused("not_an_archive")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory_bytes == 0xFFFFFFFF or count == 0xFFFF:
        at = tail.rfind(b"PK\x06\x06")
        count = int.from_bytes(tail[at + 32 : at + 40], "little") if at >= 0 else 0
        directory_bytes = int.from_bytes(tail[at + 40 : at + 48], "little") if at >= 0 else 0
    return max(count, directory_bytes // 600)
