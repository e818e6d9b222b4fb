"""Which kinds of item are searched, and how each is read. Filled when the apps are ready.

`sources` adds documents, images and safety facts; apps above add their own kinds by `register`
(questions, statements, messages), so that nothing here imports upward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from records.blinding_search.passages import Reading
from records.models import CaseFile

Alive = Callable[[int, int], None]  # told now and then: pages done, pages in all


@dataclass(frozen=True)
class Source:
    """`read` gives None for an item that is gone. `hold` hides a shown item again.

    `hold` takes the item, the places of hits that nobody has seen, and whether this is the first
    search of it. True when it had been shown.
    """

    items: Callable[[UUID], Iterable[UUID]]  # of one case file
    read: Callable[[UUID], Reading | None]  # what is cheap to read, anew each time
    hold: Callable[[UUID, set[str], bool], bool]
    stamp: Callable[[UUID], str] = lambda _pk: ""  # names the bytes whose texts are worth keeping
    read_bytes: Callable[[UUID, Alive], Reading] | None = None


SOURCES: dict[str, Source] = {}


def register(about_type: str, source: Source) -> None:
    """Called from `ready()` of the app that owns this kind of item."""
    SOURCES[about_type] = source


TELLERS: list[Callable[[CaseFile], None]] = []  # called when something shown was taken back
