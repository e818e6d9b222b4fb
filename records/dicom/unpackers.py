"""The children that unpack an archive, and what they fill. Used by `records.dicom.archives`.

Whatever an entry does to a child costs that entry alone: the child is started again behind it.
SECURITY: what a child tells is compared with the file it filled before it is believed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from records.dicom.collecting import Kept, Result
from records.dicom.frames import Frames
from records.dicom.objects import PICTURES, Received
from records.dicom.packs import PackWriter
from records.dicom.pieces import Piece
from records.dicom.unpacking import HELD_BYTES, Entry
from records.guard import Limits
from records.guard_stream import Told

__all__ = ["Entry", "Filled", "Unpacker"]

PACK_INSTANCES = 500
PACK_BYTES = 512 * 1024**2
CHILD_BYTES = 512 * 1024**2
MAX_DEATHS = 20


@dataclass
class Filled:
    """One pack as a child left it."""

    writer: PackWriter | None  # none: its objects stay in the archive
    kept: list[Kept]
    lines: bytes
    count: int  # entries, whatever became of them
    known_count: int  # the same object again within this pack
    refused: dict[str, int]

    @classmethod
    def of(cls, parts: list[Filled]) -> Filled:
        """What stays in one archive, as one pack."""
        return cls(
            None,
            [kept for part in parts for kept in part.kept],
            b"".join(part.lines for part in parts),
            sum(part.count for part in parts),
            sum(part.known_count for part in parts),
            {},
        )


class Unpacker:
    """One child after another until every entry was looked at. Use as a context."""

    def __init__(
        self, folder: Path, archive: int, entries: list[Entry], *, may_stay: bool = False
    ) -> None:
        self._folder, self._archive, self._entries = folder, archive, entries
        self._may_stay = may_stay
        self._name = f"part{entries[0][0]}"
        self._marker = folder / f"{self._name}.marker"
        self._skipped: list[int] = []
        self._child: Told | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child:
            self._child.__exit__(kind, error, trace)
            self._child = None

    def _start(self) -> None:
        name = f"{self._name}-{len(self._skipped)}"
        (self._folder / f"{name}.entries").write_text(json.dumps(self._entries))
        self._marker.write_bytes(self._entries[0][0].to_bytes(8, "little"))
        order = {
            "archive": self._archive,
            "folder": str(self._folder),
            "name": name,
            "entries": f"{name}.entries",
            "marker": self._marker.name,
            "skipped": self._skipped,
            "may_stay": self._may_stay and not self._skipped,
            "pack_instances": PACK_INSTANCES,
            "pack_bytes": PACK_BYTES,
        }
        self._child = Told(
            "records.dicom.unpacking:unpack", self._folder, order,
            limits=self._limits(), descriptors=[self._archive],
        )  # fmt: skip
        self._child.start()

    def _limits(self) -> Limits:
        largest = max(entry[3] for entry in self._entries)
        mapped = PACK_BYTES + largest if largest > HELD_BYTES else 0
        return Limits(
            memory_bytes=CHILD_BYTES + mapped,
            cpu_seconds=60 + sum(entry[3] for entry in self._entries) // 10_000_000,
            written_bytes=PACK_BYTES + 2 * min(largest, 4 * 1024**3) + 256 * 1024**2,
            nice=0,
        )

    def packs(self) -> Iterator[Filled]:
        """Each pack as it is full. Its file is gone afterwards, unless it was stored."""
        while self._child:
            for line in self._child.lines():
                if line == "done":
                    self.__exit__(None, None, None)
                    return
                told = json.loads((self._folder / f"{line}.json").read_text())
                self._entries = [e for e in self._entries if e[0] > told["last"]]
                lines = (self._folder / f"{line}.lines").read_bytes()
                if not told["pack"]:
                    yield _filled(told, None, os.fstat(self._archive).st_size, lines)
                    continue
                with PackWriter.of(self._folder / f"{line}.pack") as writer:
                    yield _filled(told, writer, writer.size_bytes, lines)
            self._start_again()

    def _start_again(self) -> None:
        """The child died over the entry it had marked."""
        self.__exit__(None, None, None)
        at = int.from_bytes(self._marker.read_bytes(), "little")
        self._skipped.append(at)
        if len(self._skipped) > MAX_DEATHS:  # no luck with any of them
            self._skipped += [entry[0] for entry in self._entries]
        if len(self._skipped) > MAX_DEATHS + len(self._entries) + 2:
            raise ChildProcessError
        if self._entries:
            self._start()


def _filled(
    told: dict[str, Any], writer: PackWriter | None, size_bytes: int, lines: bytes
) -> Filled:
    kept = [_kept(row, told["groups"][row[0]], size_bytes) for row in told["rows"]]
    return Filled(writer, kept, lines, told["count"], told["known"], told["refused"])


def _kept(row: list[Any], group: list[Any], size_bytes: int) -> Kept:
    study_uid, series_uid, modality, person, study, series = group
    (_group, instance_uid, class_uid, syntax, number, search, is_picture, may_show_text,
     dataset_offset, (count, offsets, lengths, problem), piece, made) = row  # fmt: skip
    one = Kept(
        Result(
            received=Received(
                study_uid=study_uid,
                series_uid=series_uid,
                instance_uid=instance_uid,
                class_uid=class_uid,
                transfer_syntax=syntax,
                modality=modality,
                instance_number=number,
                line="",
                study=study,
                series=series,
                search=search,
                is_picture=is_picture and class_uid in PICTURES,
                may_show_text=may_show_text,
                dataset_offset=dataset_offset,
                frames=Frames(count, offsets, lengths, problem=problem),
                person=person,
            )
        ),
        Piece(*piece),
        Piece(*made) if made else None,
    )
    inside = one.made or one.piece
    every = count if len(offsets) == 1 else 1
    if (
        one.piece.start < 0
        or inside.end > size_bytes
        or (one.made and one.made.start != one.piece.end)
        or len(offsets) != len(lengths)
        or not all(
            at >= 0 and size >= 0 and at + size * every <= inside.length
            for at, size in zip(offsets, lengths, strict=True)
        )
    ):
        raise ValueError("a child told places outside its pack")
    return one
