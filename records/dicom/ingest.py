"""A batch of objects into one pack and its rows. Used by STOW-RS and by archives.

    with Batch(case_file, by=user) as batch:
        batch.begin(); batch.write(block); ...; batch.finish()      # once for each object
        results = batch.close()                                     # in the order they came

The same object with the same bytes is a success however often it comes; with other bytes it is
refused. What is refused leaves no bytes behind. Call it outside any transaction.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, cast

from django.core.files.storage import default_storage
from django.db import connection

from records import imaging_workflow
from records.dicom import objects
from records.dicom.packs import BLOCK_BYTES, PackWriter, Piece
from records.dicom.reader import Header, Unreadable
from records.dicom.values import DEFLATED_LE, EXPLICIT_LE
from records.guard import Refusal, run_guarded
from records.models import CaseFile, ImagingInstance


@dataclass
class Result:
    """What became of one object. `problem` is empty when it is stored now, or was before."""

    problem: str = ""
    received: objects.Received | None = None
    is_new: bool = False


@dataclass
class Kept:
    result: Result
    piece: Piece
    made: Piece | None  # inflated data set or whole frames, stored right behind

    @property
    def received(self) -> objects.Received:
        return cast(objects.Received, self.result.received)


class Batch:
    def __init__(self, case_file: CaseFile, *, by: Any, study_uid: str = "") -> None:
        self.case_file, self.by, self.study_uid = case_file, by, study_uid
        self.results: list[Result] = []
        self._kept: list[Kept] = []
        self._seen: dict[str, str] = {}  # SOPInstanceUID -> hash, within this batch
        self._texts: dict[Any, Any] = {}
        self._writer = PackWriter()
        self.begin, self.write = self._writer.begin, self._writer.write

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
        return sum(kept.piece.length for kept in self._kept)

    def refuse(self, problem: str) -> Result:
        """The object that was begun is not wanted; forget its bytes."""
        self._writer.drop()
        self.results.append(Result(problem))
        return self.results[-1]

    def finish(self) -> Result:
        """The object that was begun is whole: read its header, and keep it or forget it."""
        piece = self._writer.end()
        result, made = Result(), None
        try:
            result.received, made = self._read(piece)
            if self.study_uid and result.received.study_uid != self.study_uid:
                raise Unreadable("other_study")
            known = self._seen.get(result.received.instance_uid, "")
            if known and known != piece.sha256:
                raise Unreadable("other_bytes")
        except Unreadable as exc:
            result.problem, known = exc.code, ""
        if result.problem or known:
            self._writer.drop_to(piece.start)
        elif result.received:
            self._seen[result.received.instance_uid] = piece.sha256
            self._kept.append(Kept(result, piece, made))
        self.results.append(result)
        return result

    def _read(self, piece: Piece) -> tuple[objects.Received, Piece | None]:
        buffer = self._writer.mapped()
        try:
            header = Header(buffer, piece.start, piece.end, known=self._texts)
            received = objects.receive(header)
        except Unreadable as exc:
            if exc.code != "deflated":
                raise
            return self._inflated(piece, exc.at)
        finally:
            if not isinstance(buffer, bytes):
                buffer.close()
        copies = received.frames.copies
        made = self._writer.append(copies) if copies else None
        received.frames.copies = b""
        return received, made

    def _inflated(self, piece: Piece, at: int) -> tuple[objects.Received, Piece]:
        """A deflated data set is inflated in the guarded child and stored beside the original."""
        with TemporaryDirectory(prefix="inflate-") as folder:
            plain = Path(folder) / "plain"
            told = run_guarded(
                "records.dicom.foreign:inflate",
                str(self._writer.path), at, piece.end - at, str(plain),
            )  # fmt: skip
            if isinstance(told, Refusal):
                raise Unreadable("too_large")
            if told.get("problem"):
                raise Unreadable(told["problem"])
            self._writer.begin()
            with plain.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    self._writer.write(block)
        made = self._writer.end()
        buffer = self._writer.mapped()
        try:
            header = Header(buffer, made.start, made.end, EXPLICIT_LE)
            received = objects.receive(header, transfer_syntax=DEFLATED_LE)
        finally:
            if not isinstance(buffer, bytes):
                buffer.close()
        if received.frames.copies:
            received.frames = type(received.frames)(problem="unindexed")
        return received, made

    # --- at the end ----------------------------------------------------------------------------
    def close(self) -> list[Result]:
        """Store the pack and its rows, and say what became of each object."""
        with alone_in(self.case_file):
            self._leave_out_what_is_known()
            if self._kept:
                self._store()
        return self.results

    def _leave_out_what_is_known(self) -> None:
        uids = [kept.received.instance_uid for kept in self._kept]
        known = dict(
            ImagingInstance.objects.filter(
                case_file=self.case_file, SOPInstanceUID__in=uids
            ).values_list("SOPInstanceUID", "sha256")
        )
        new: dict[str, Kept] = {}
        for kept in self._kept:
            uid = kept.received.instance_uid
            if known.get(uid, kept.piece.sha256) != kept.piece.sha256:
                kept.result.problem = "other_bytes"
            elif uid not in known:
                new.setdefault(uid, kept)
        self._kept = list(new.values())

    def _store(self) -> None:
        pieces = [p for kept in self._kept for p in (kept.piece, kept.made) if p]
        moved = iter(self._writer.keep_only(pieces))
        for kept in self._kept:
            kept.piece = next(moved)
            kept.made = next(moved) if kept.made else None
            kept.result.is_new = True
        pieces = [p for kept in self._kept for p in (kept.piece, kept.made) if p]
        pack = self._writer.seal(pieces, [kept.received.line for kept in self._kept])
        try:
            imaging_workflow.store(self.case_file, pack, [_row(k) for k in self._kept], by=self.by)
        except BaseException:
            with suppress(OSError):
                default_storage.delete(pack["key"])
            raise


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
