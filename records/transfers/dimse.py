"""A peer that speaks DIMSE: C-FIND, C-GET or C-MOVE, and C-STORE. By pynetdicom.

Objects are neither decoded nor written anew: bytes go from the network into the batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, StoragePresentationContexts
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from records.dicom import packs
from records.dicom.values import is_uid
from records.models import Peer
from records.transfers import bounds
from records.transfers.net import CONNECT_SECONDS, READ_SECONDS, resolve, tls_of
from records.transfers.remote import MAX_INSTANCES, MAX_STUDIES, Found, Outgoing, Sink
from secondop.jobs.models import PermanentFailure, TemporaryFailure

MAX_CONTEXTS = 128  # PS3.8: odd numbers up to 255
SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, JPEGLossless,
    JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless,
    JPEG2000, RLELossless,
]  # fmt: skip
STUDY_KEYS = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyDescription",
    "ModalitiesInStudy", "AccessionNumber", "StudyInstanceUID", "NumberOfStudyRelatedInstances",
)  # fmt: skip
PENDING = (0xFF00, 0xFF01)
SUCCESS_OR_WARNING = (0x0000, 0xB000, 0xB006, 0xB007)
OUT_OF_RESOURCES = 0xA700


@contextmanager
def connected(peer: Peer) -> Iterator[Dimse]:
    try:
        yield Dimse(peer)
    except (OSError, RuntimeError):
        raise TemporaryFailure("peer_away") from None
    except (ValueError, AttributeError, TypeError, KeyError):
        raise TemporaryFailure("answer_unreadable") from None


class Dimse:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    # --- asking --------------------------------------------------------------------------------
    def studies(self, query: dict[str, str]) -> list[Found]:
        asked = _asked("STUDY", **dict.fromkeys(STUDY_KEYS, "") | query)
        with self._finder() as find:
            rows = find(asked, MAX_STUDIES)
        return [found for row in rows if (found := _found(row))]

    def instances(self, study: str) -> dict[str, set[str]]:
        told: dict[str, set[str]] = {}
        with self._finder() as find:
            asked = _asked("SERIES", StudyInstanceUID=study, SeriesInstanceUID="")
            for row in find(asked, MAX_INSTANCES):
                series = str(row.get("SeriesInstanceUID", ""))
                if not is_uid(series):
                    continue
                one = _asked("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series,
                             SOPInstanceUID="")  # fmt: skip
                uids = {str(r.get("SOPInstanceUID", "")) for r in find(one, MAX_INSTANCES)}
                told[series] = {uid for uid in uids if is_uid(uid)}
        return told

    @contextmanager
    def _finder(self) -> Iterator[Callable[[Dataset, int], list[Dataset]]]:
        model = StudyRootQueryRetrieveInformationModelFind
        with self._associated([_context(model)], object_bytes=bounds.MAX_ANSWER_BYTES) as link:

            def find(asked: Dataset, most: int) -> list[Dataset]:
                rows: list[Dataset] = []
                for status, row in link.send_c_find(asked, model):
                    code = _status(status)
                    if code in PENDING and row is not None:
                        rows.append(row)
                        if len(rows) > most:
                            raise PermanentFailure("answer_too_large")
                    elif code != 0:
                        raise TemporaryFailure("peer_fails")
                return rows

            yield find

    # --- fetching ------------------------------------------------------------------------------
    def fetch(self, study: str, series: str, uids: set[str] | None, sink: Sink) -> None:
        asked = _asked("SERIES", StudyInstanceUID=study, SeriesInstanceUID=series)
        if uids is not None:
            asked = _asked("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series,
                           SOPInstanceUID=sorted(uids))  # fmt: skip
        if self.peer.fetch == Peer.Fetch.MOVE:
            self._move(asked, sink)
        else:
            self._get(asked, sink)

    def _get(self, asked: Dataset, sink: Sink) -> None:
        stopped: list[BaseException] = []

        def take(event: evt.Event) -> int:
            """In the thread that waits for the answer to C-GET."""
            path = Path(event.dataset_path)
            try:
                if not stopped:
                    pour(path, sink)
            except BaseException as exc:
                stopped.append(exc)
                event.assoc.abort()
            finally:
                with suppress(OSError):
                    path.unlink()
            return OUT_OF_RESOURCES if stopped else 0

        model = StudyRootQueryRetrieveInformationModelGet
        storage = storage_contexts(MAX_CONTEXTS - 1)
        roles = [build_role(str(one.abstract_syntax), scp_role=True) for one in storage]
        handlers = [(evt.EVT_C_STORE, take)]
        with self._associated([_context(model), *storage], roles, handlers) as link:
            for status, _row in link.send_c_get(asked, model):
                if stopped:
                    raise stopped[0]
                _raise_for(status)
        if stopped:
            raise stopped[0]

    def _move(self, asked: Dataset, sink: Sink) -> None:
        """The objects come to the receiver (`manage.py dicom_receiver`), not here."""
        model = StudyRootQueryRetrieveInformationModelMove
        with self._associated([_context(model)], object_bytes=bounds.MAX_ANSWER_BYTES) as link:
            for status, _row in link.send_c_move(asked, self.peer.our_ae, model):
                _raise_for(status)
                sink.wait()

    # --- sending -------------------------------------------------------------------------------
    def send(self, objects: list[Outgoing]) -> Iterator[tuple[str, str]]:
        wanted = {(one.class_uid, one.syntax) for one in objects}
        contexts = []
        for class_uid, syntax in sorted(wanted)[:MAX_CONTEXTS]:
            contexts.append(PresentationContext())
            contexts[-1].abstract_syntax, contexts[-1].transfer_syntax = class_uid, [syntax]
        with self._associated(contexts) as link:
            for one in objects:
                yield one.uid, self._store(link, one)

    @staticmethod
    def _store(link: Association, one: Outgoing) -> str:
        with NamedTemporaryFile(suffix=".dcm") as file:
            for block in packs.blocks(one.key, one.offset, one.size_bytes):
                file.write(block)
            file.flush()
            try:
                code = _status(link.send_c_store(file.name))
            except ValueError:  # no context for it was accepted
                return "not_taken_there"
        if code == OUT_OF_RESOURCES:
            raise TemporaryFailure("peer_fails")
        return "" if code in SUCCESS_OR_WARNING else "refused_there"

    # --- the connection ------------------------------------------------------------------------
    @contextmanager
    def _associated(
        self, contexts: list[PresentationContext], roles: Any = (), handlers: Any = (), *,
        object_bytes: int = bounds.MAX_OBJECT_BYTES,
    ) -> Iterator[Association]:  # fmt: skip
        peer, watch = self.peer, bounds.Bounds(object_bytes=object_bytes)
        [(_family, place), *_others] = resolve(peer.address, peer.port, is_inside=peer.is_inside)
        ae = AE(ae_title=peer.our_ae)
        ae.connection_timeout, ae.acse_timeout = CONNECT_SECONDS, CONNECT_SECONDS
        ae.dimse_timeout = ae.network_timeout = READ_SECONDS
        link = ae.associate(
            place[0], peer.port, contexts=contexts, ae_title=peer.their_ae, ext_neg=list(roles),
            max_pdu=bounds.MAX_PDU_BYTES, evt_handlers=[*watch.handlers(), *handlers],
            tls_args=(tls_of(peer), peer.address) if peer.uses_tls else None,
        )  # fmt: skip
        if not link.is_established:
            is_refused = link.is_rejected or bool(link.rejected_contexts)
            raise (
                PermanentFailure("peer_refuses_us") if is_refused else TemporaryFailure("peer_away")
            )
        try:
            yield link
            if watch.is_broken:
                raise PermanentFailure("object_too_large")
        finally:
            if link.is_established:
                link.release()
            _settle(link)


def _settle(link: Association) -> None:
    """Its thread ends before we go on, so that nothing writes behind our back."""
    deadline = time.monotonic() + 5
    while link.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)


def pour(path: Path, sink: Sink) -> None:
    """A file into the sink, block by block."""
    sink.begin()
    with path.open("rb") as file:
        while block := file.read(512 * 1024):
            sink.write(block)
    sink.finish()


def storage_contexts(most: int) -> list[PresentationContext]:
    """Kinds of objects that we take, with the syntaxes that our reader knows."""
    known = [one for one in StoragePresentationContexts if one.abstract_syntax is not None]
    chosen = []
    for one in known[:most]:
        context = PresentationContext()
        context.abstract_syntax, context.transfer_syntax = one.abstract_syntax, list(SYNTAXES)
        chosen.append(context)
    return chosen


def _context(model: Any) -> PresentationContext:
    context = PresentationContext()
    context.abstract_syntax = model
    context.transfer_syntax = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    return context


def _asked(level: str, **keys: Any) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    asked.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def _status(status: Any) -> int:
    """An empty status is a peer that fell silent. Raises TemporaryFailure."""
    if status is None or "Status" not in status:
        raise TemporaryFailure("peer_hangs")
    return int(status.Status)


def _raise_for(status: Any) -> None:
    """Warnings (a part failed) are no error here: what is missing is counted afterwards."""
    code = _status(status)
    if code not in PENDING and code not in SUCCESS_OR_WARNING:
        raise TemporaryFailure("peer_cannot_send" if code == 0xA801 else "peer_fails")


def _found(row: Dataset) -> Found | None:
    def text(keyword: str) -> str:
        return str(row.get(keyword, "") or "")[:200]

    uid, count = text("StudyInstanceUID"), text("NumberOfStudyRelatedInstances")
    if not is_uid(uid):
        return None
    modalities = row.get("ModalitiesInStudy", "") or []
    modalities = [modalities] if isinstance(modalities, str) else modalities
    return Found(
        uid,
        {"name": text("PatientName"), "born": text("PatientBirthDate"), "sex": text("PatientSex"),
         "id": text("PatientID")},
        {"date": text("StudyDate"), "description": text("StudyDescription"),
         "accession": text("AccessionNumber"),
         "modalities": [str(m)[:16] for m in modalities][:10]},
        int(count) if count.isdecimal() else 0,
    )  # fmt: skip
