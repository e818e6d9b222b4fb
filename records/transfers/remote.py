"""What a peer can do, whichever language it speaks. `open_remote` is the way to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from records.models import Peer

MAX_STUDIES = 200  # a search that finds more is too wide to choose from
MAX_INSTANCES = 50_000  # of one study
# What may be asked for; a person's name with wildcards only as the person typed it.
KEYS = ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID")


@dataclass(frozen=True)
class Found:
    """A study as the peer describes it."""

    uid: str
    person: dict[str, str]  # name, born, sex, id
    told: dict[str, Any] = field(default_factory=dict)  # date, description, modalities, accession
    count: int = 0


class Sink(Protocol):
    """Takes objects as DICOM files, one after the other. May raise to stop everything."""

    def begin(self) -> None: ...
    def write(self, block: bytes) -> None: ...
    def finish(self) -> None: ...
    def wait(self) -> None: ...


@dataclass(frozen=True)
class Outgoing:
    """One object that leaves."""

    uid: str
    class_uid: str
    syntax: str
    size_bytes: int
    key: str  # of the pack, and where in it
    offset: int


class Remote(Protocol):
    def studies(self, query: dict[str, str]) -> list[Found]: ...
    def instances(self, study: str) -> dict[str, set[str]]:
        """UIDs of the objects of each series."""
        ...

    def fetch(self, study: str, series: str, uids: set[str] | None, sink: Sink) -> None:
        """Bring these objects of a series, or all of it."""
        ...

    def send(self, objects: list[Outgoing]) -> Iterator[tuple[str, str]]:
        """UID and problem ("" when it is there) of each object, in the order they went."""
        ...


def query_of(told: dict[str, str]) -> dict[str, str]:
    return {key: told[key] for key in KEYS if told.get(key)}


def open_remote(peer: Peer) -> AbstractContextManager[Remote]:
    from records.transfers import dicomweb, dimse  # both say what they can in words of this module

    return dicomweb.connected(peer) if peer.kind == Peer.Kind.DICOMWEB else dimse.connected(peer)
