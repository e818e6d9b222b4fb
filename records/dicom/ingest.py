"""A batch of objects into one pack and its rows. Used by STOW-RS and by archives.

    with Batch(case_file, by=user) as batch:
        batch.begin(); batch.write(block); ...; batch.finish()      # once for each object
        results = batch.close()                                     # in the order they came

The same object with the same bytes is a success however often it comes; with other bytes it is
refused. What is refused leaves no bytes behind. Call it outside any transaction.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from django.db import connection

from records import imaging_workflow
from records.dicom import objects, pieces
from records.dicom.collecting import Collector, Kept, Result
from records.dicom.packs import PackWriter, or_nothing
from records.dicom.pieces import BLOCK_BYTES, PieceFile
from records.dicom.reader import Unreadable
from records.dicom.values import DEFLATED_LE
from records.guard import Refusal, run_guarded
from records.models import CaseFile, ImagingInstance

HELD_BYTES = 1024**2  # up to here an object is read, written and hashed from memory

__all__ = ["Batch", "Result", "alone_in", "shelve"]


class Batch:
    def __init__(self, case_file: CaseFile, *, by: Any, study_uid: str = "") -> None:
        self.case_file, self.by = case_file, by
        self._writer = PackWriter(in_thread=True)
        self._collector = Collector(self._writer, _inflate_guarded, study_uid=study_uid)
        self.results = self._collector.results
        self.refuse = self._collector.refuse
        self._held: list[bytes | memoryview] | None = (
            None  # of the object that was begun, while it is small
        )

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    @property
    def size_bytes(self) -> int:
        return self._writer.size_bytes + sum(map(len, self._held or []))

    def begin(self) -> None:
        self._held = []
        self._writer.begin()

    def write(self, block: bytes | memoryview) -> None:
        if self._held is None:
            self._writer.write(block)
            return
        self._held.append(block)
        if sum(map(len, self._held)) > HELD_BYTES:
            held, self._held = self._held, None
            for each in held:
                self._writer.write(each)

    def finish(self) -> Result:
        if self._held is None:
            return self._collector.finish()
        whole, self._held = b"".join(self._held), []
        return self._collector.take(whole)

    def close(self) -> list[Result]:
        """Store the pack and its rows, and say what became of each object."""
        self._writer.settle()
        collector = self._collector
        shelve(self.case_file, self._writer, collector.kept, collector.lines.packed(), by=self.by)
        return self.results


def _inflate_guarded(file: PieceFile, at: int, length: int) -> None:
    """In the guarded child: the web process inflates nothing foreign."""
    with TemporaryDirectory(prefix="inflate-") as folder:
        plain = Path(folder) / "plain"
        told = run_guarded(
            "records.dicom.foreign:inflate", str(file.path), at, length, str(plain)
        )  # fmt: skip
        if isinstance(told, Refusal):
            raise Unreadable("too_large")
        if told.get("problem"):
            raise Unreadable(told["problem"])
        with plain.open("rb") as source:
            while block := source.read(BLOCK_BYTES):
                file.write(block)


def shelve(
    case_file: CaseFile, writer: PackWriter, kept: list[Kept], lines: bytes, *, by: Any
) -> None:
    """Store a filled pack and its rows, but for what the case file has. `lines`: see `Lines`."""
    with alone_in(case_file):
        new = _not_known(case_file, kept)
        if not new:
            return
        if len(new) < len(kept):
            lines = pieces.only(lines, new)
        _store(case_file, writer, [kept[number] for number in new], lines, by)


def _not_known(case_file: CaseFile, kept: list[Kept]) -> list[int]:
    """Which of these are new; the others are a success, or refused for their other bytes."""
    uids = [one.received.instance_uid for one in kept]
    rows = ImagingInstance.objects.filter(case_file=case_file, SOPInstanceUID__in=uids)
    columns = ("SOPInstanceUID", "sha256", "pack__quarantined_at")
    told = list(rows.values_list(*columns)) if uids else []
    known = {uid: sha256 for uid, sha256, _damaged in told}
    damaged = {uid for uid, _sha256, damaged in told if damaged}
    new = []
    for number, one in enumerate(kept):
        uid = one.received.instance_uid
        if known.get(uid, one.piece.sha256) != one.piece.sha256:
            one.result.problem = "other_bytes"
        elif uid not in known or uid in damaged:
            one.mends = uid in damaged
            new.append(number)
    return new


def _store(case_file: CaseFile, writer: PackWriter, new: list[Kept], lines: bytes, by: Any) -> None:
    moved = iter(writer.keep_only([p for kept in new for p in (kept.piece, kept.made) if p]))
    for kept in new:
        kept.piece = next(moved)
        kept.made = next(moved) if kept.made else None
        kept.result.is_new = True
    pack = writer.seal([p for kept in new for p in (kept.piece, kept.made) if p], lines)
    with or_nothing(pack["key"], pack.get("headers_key", "")):
        mending = {kept.received.instance_uid for kept in new if kept.mends}
        rows = [_row(kept) for kept in new]
        imaging_workflow.store(case_file, pack, rows, by=by, mending=mending)


def _row(kept: Kept) -> tuple[objects.Received, dict[str, Any]]:
    """What one object is, and where its bytes and frames stand in the pack."""
    received, frames = kept.received, kept.received.frames
    is_deflated = received.transfer_syntax == DEFLATED_LE
    begin = kept.made.start if kept.made else 0  # frames of what was made count from its beginning
    if kept.made is None:
        begin = kept.piece.start
    dataset = kept.made if is_deflated and kept.made else kept.piece
    return received, {
        "sha256": kept.piece.sha256,
        "crc32": kept.piece.crc32,
        "offset": kept.piece.start,
        "size_bytes": kept.piece.length,
        "dataset_offset": dataset.start + received.dataset_offset,
        "dataset_bytes": dataset.length - received.dataset_offset,
        "frame_count": frames.count,
        "frame_offsets": [begin + offset for offset in frames.offsets],
        "frame_lengths": frames.lengths,
        "pixel_problem": frames.problem,
    }


class alone_in:
    """One batch of a case file at a time is stored: an advisory lock of this connection."""

    def __init__(self, case_file: CaseFile) -> None:
        self.key = f"imaging:{case_file.pk}"

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [self.key])

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [self.key])
