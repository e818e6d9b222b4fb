"""Which objects of one delivery are kept, and where their bytes stand. No Django here: the guarded
child uses it for archives, `records.dicom.ingest` for STOW-RS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from records.dicom import objects
from records.dicom.pieces import Lines, Piece, PieceFile
from records.dicom.reader import Buffer, Header, Unreadable
from records.dicom.repeats import Repeats
from records.dicom.values import DEFLATED_LE, EXPLICIT_LE

# Inflates bytes of a file, from a place on and so many, into the piece that was begun.
Inflate = Callable[[PieceFile, int, int], None]


@dataclass(slots=True)
class Result:
    """What became of one object. `problem` is empty when it is stored now, or was before."""

    problem: str = ""
    received: objects.Received | None = None
    is_new: bool = False


@dataclass(slots=True)
class Kept:
    result: Result
    piece: Piece
    made: Piece | None  # inflated data set or whole frames, stored right behind
    mends: bool = False  # it is here already, in a pack that is damaged

    @property
    def received(self) -> objects.Received:
        return cast(objects.Received, self.result.received)


STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Collector:
    def __init__(self, file: PieceFile, inflate: Inflate, *, study_uid: str = "") -> None:
        self.file, self.lines, self.study_uid = file, Lines(), study_uid
        self.results: list[Result] = []
        self.kept: list[Kept] = []
        self._inflate = inflate
        self._seen: dict[str, Piece] = {}  # SOPInstanceUID -> what came first
        self._repeats = Repeats()

    def refuse(self, problem: str) -> Result:
        """The object that was begun is not wanted; forget its bytes."""
        self.file.drop()
        self.results.append(Result(problem))
        return self.results[-1]

    def finish(self, whole: bytes | None = None) -> Result:
        """The object that was begun is whole: read its header, and keep it or forget it.

        `whole` are its bytes when they are at hand.
        """
        return self._keep(self.file.end(), whole)

    def take(self, whole: bytes) -> Result:
        """The same of an object that nothing was written of yet."""
        return self._keep(self.file.append(whole), whole)

    def _keep(self, piece: Piece, whole: bytes | None) -> Result:
        result, made, before = Result(), None, None
        try:
            result.received, made = self._read(piece, whole)
            if self.study_uid and result.received.study_uid != self.study_uid:
                raise Unreadable("other_study")
            if before := self._seen.get(result.received.instance_uid):
                self.file.settle()
                if before.sha256 != piece.sha256:
                    raise Unreadable("other_bytes")
        except Unreadable as exc:
            result.problem = exc.code
        except STUMBLES:  # what nobody thought of costs this object, never the rest
            result.received, result.problem = None, "truncated"
        if result.problem or before:
            self.file.drop_to(piece.start)
        elif result.received:
            self._seen[result.received.instance_uid] = piece
            self.lines.add(result.received.line)
            self.kept.append(Kept(result, piece, made))
        if result.received:
            result.received.line = ""
        self.results.append(result)
        return result

    def _read(self, piece: Piece, whole: bytes | None) -> tuple[objects.Received, Piece | None]:
        buffer: Buffer = self.file.mapped() if whole is None else whole
        start = piece.start if whole is None else 0
        try:
            header = Header(buffer, start, start + piece.length, repeats=self._repeats)
            received = objects.receive(header)
        except Unreadable as exc:
            if exc.code != "deflated":
                raise
            return self._inflated(piece, exc.at - start)
        finally:
            if not isinstance(buffer, bytes):
                buffer.close()
        copies = received.frames.copies
        made = self.file.append(copies) if copies else None
        received.frames.copies = b""
        return received, made

    def _inflated(self, piece: Piece, at: int) -> tuple[objects.Received, Piece]:
        """A deflated data set is stored inflated beside the original."""
        self.file.begin()
        self._inflate(self.file, piece.start + at, piece.length - at)
        made = self.file.end()
        buffer = self.file.mapped()
        try:
            header = Header(buffer, made.start, made.end, EXPLICIT_LE)
            received = objects.receive(header, transfer_syntax=DEFLATED_LE)
        finally:
            if not isinstance(buffer, bytes):
                buffer.close()
        if received.frames.copies:
            received.frames = type(received.frames)(problem="unindexed")
        return received, made
