"""The images of an archive (the ZIP of a CD), entry by entry. Used by the `ImagingIngest` job.
A single object is taken as it is.

SECURITY: names are never used; nothing is unpacked to a folder. Counts, sizes and ratios are
limited before and while unpacking, and an entry is believed by its content alone. What is not an
image is left where it is and counted; the rest of the archive survives it.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from queue import Full, Queue
from tempfile import NamedTemporaryFile
from threading import Event, Thread
from typing import IO, Any, Self

from django.core.files.storage import default_storage

from records.dicom.ingest import Batch
from records.dicom.packs import local_path
from records.models import CaseFile, ImagingIngest
from secondop.jobs.models import PermanentFailure

MAX_ENTRIES = 20_000
MAX_ENTRY_BYTES = 4 * 1024**3
MAX_TOTAL_BYTES = 60 * 1024**3
MAX_RATIO = 200
RATIO_FROM_BYTES = 10 * 1024**2  # small files may well be empty pages
PACK_INSTANCES = 500
PACK_BYTES = 512 * 1024**2
BLOCK_BYTES = 512 * 1024
BLOCKS_AHEAD = 24  # 12 MB
READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


class Refused(Exception):
    """The whole archive cannot be taken; the code is one of `records.dicom.problems`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Stopped(Exception):
    """Nobody waits for the rest."""


class _EntryRefused(Exception):
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
            outcome = ingest(file, job.case_file, by=job.by, beat=beat)
        except Refused as refused:
            ImagingIngest.objects.filter(pk=job.pk).update(outcome={"archive": refused.code})
            raise PermanentFailure(refused.code) from None
    with job.closing():
        ImagingIngest.objects.filter(pk=job.pk).update(outcome=outcome)
    default_storage.delete(job.key)


def ingest(file: IO[bytes], case_file: CaseFile, *, by: Any, beat: Any = None) -> dict[str, Any]:
    """Store every image of the archive, in packs of a bounded size. Raises Refused.

    Returns counts: {"stored": 812, "known": 3, "refused": {"not_dicom": 14}}.
    """
    if _is_an_object(file):
        return _one_object(file, case_file, by=by)
    entries = _entries(file)
    told: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with ExitStack() as outer, ExitStack() as stack:
        ahead = outer.enter_context(_Ahead(_opened(file), entries))
        batch = stack.enter_context(Batch(case_file, by=by))
        for done in range(1, len(entries) + 1):
            ahead.store_next(batch)
            full = batch.size_bytes >= PACK_BYTES or len(batch.results) >= PACK_INSTANCES
            if full or done == len(entries):
                for result in batch.close():
                    if result.problem:
                        refused[result.problem] += 1
                    else:
                        told["stored" if result.is_new else "known"] += 1
                stack.close()
                batch = stack.enter_context(Batch(case_file, by=by))
                if beat:
                    beat(done, len(entries))
    return {"stored": told["stored"], "known": told["known"], "refused": dict(refused)}


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


class _Ahead:
    """Unpacks entries in a thread of its own, a few blocks ahead of whoever stores them.

    Inflating and hashing both leave the interpreter free, so that two cores are used.
    """

    def __init__(self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
        self._archive, self._entries = archive, entries
        self._queue: Queue[bytes | str | BaseException | None] = Queue(BLOCKS_AHEAD)
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="unpack", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for entry in self._entries:
                self._put_entry(entry)
        except _Stopped:
            return
        except BaseException as exc:  # raised again where the entry is waited for
            with suppress(_Stopped):
                self._put(exc)

    def _put_entry(self, entry: zipfile.ZipInfo) -> None:
        try:
            for block in _blocks(self._archive, entry):
                self._put(block)
        except _EntryRefused as refused:
            self._put(refused.code)
        except DAMAGE:
            self._put("truncated")
        else:
            self._put(None)

    def _put(self, what: bytes | str | BaseException | None) -> None:
        while not self._stopped.is_set():
            with suppress(Full):
                return self._queue.put(what, timeout=0.2)
        raise _Stopped

    def store_next(self, batch: Batch) -> None:
        """Hand one entry to the batch."""
        batch.begin()
        while isinstance(what := self._queue.get(), bytes):
            batch.write(what)
        if isinstance(what, BaseException):
            raise what
        if what is None:
            batch.finish()
        else:
            batch.refuse(what)


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _EntryRefused("link")
    if entry.flag_bits & 1:
        raise _EntryRefused("encrypted")
    if entry.compress_type not in READABLE:
        raise _EntryRefused("truncated")
    if entry.file_size > MAX_ENTRY_BYTES:
        raise _EntryRefused("archive_bomb")
    written, allowed = 0, max(RATIO_FROM_BYTES, entry.compress_size * MAX_RATIO)
    with archive.open(entry) as member:
        while block := member.read(BLOCK_BYTES):
            if not written:
                _refuse_strangers(block)
            written += len(block)
            if written > allowed or written > entry.file_size:
                raise _EntryRefused("archive_bomb")
            yield block


def _refuse_strangers(head: bytes) -> None:
    """By the first block: what is no DICOM object is not unpacked any further."""
    if head[128:132] == b"DICM" or head[:2] in (b"\x08\0", b"\x02\0"):
        return
    raise _EntryRefused("nested_archive" if head.startswith(b"PK\x03\x04") else "not_dicom")
