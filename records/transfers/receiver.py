"""The receiver of C-STORE for C-MOVE: a process of its own (`manage.py dicom_receiver`).

SECURITY: it takes an object only from a peer of ours (name and address), and only of a study that
a running transfer waits for. Everything else is refused; no name or path is made of what comes.
"""

from __future__ import annotations

import ipaddress
import logging
import struct
import threading
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from django.db import close_old_connections, connection
from django.db.models.functions import Now
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pynetdicom import AE, evt

from records.models import Peer, Transfer, TransferStudy
from records.transfers import bounds, dimse
from records.transfers.net import resolve
from records.transfers.sink import CaseFileSink
from secondop.jobs.models import PermanentFailure, TemporaryFailure

MAX_ASSOCIATIONS = 8
IDLE_SECONDS = 60
NOT_EXPECTED = 0x0124  # "not authorized"
CANNOT_READ = 0xC000
NO_ROOM = 0xA700
STUDY_UID = 0x0020000D
HEAD_BYTES = 512 * 1024  # the study is named within it; what is read becomes memory
UNREADABLE = (InvalidDicomError, AttributeError, EOFError, KeyError, NotImplementedError,
              RecursionError, TypeError, ValueError, struct.error)  # fmt: skip
log = logging.getLogger(__name__)


class Receiver:
    """`start` returns at once; `stop` waits for what is being stored."""

    def __init__(self, *, our_ae: str, host: str, port: int) -> None:
        self._ae = AE(ae_title=our_ae)
        self._ae.require_called_aet = True
        self._ae.maximum_associations = MAX_ASSOCIATIONS
        self._ae.maximum_pdu_size = bounds.MAX_PDU_BYTES
        self._ae.acse_timeout = 10
        self._ae.dimse_timeout = self._ae.network_timeout = IDLE_SECONDS
        self._ae.supported_contexts = dimse.storage_contexts(1000)
        self._address = (host, port)
        self._server: Any = None
        self._sinks: dict[Any, dict[Any, CaseFileSink]] = {}  # by association and study
        self._lock = threading.Lock()

    def start(self) -> None:
        watch = bounds.Bounds(object_bytes=bounds.MAX_OBJECT_BYTES)
        handlers = [
            *watch.handlers(),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, self._over),
            (evt.EVT_ABORTED, self._over),
            (evt.EVT_CONN_CLOSE, self._over),
        ]
        self._server = self._ae.start_server(self._address, block=False, evt_handlers=handlers)

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
        self._ae.shutdown()

    # --- who -----------------------------------------------------------------------------------
    @staticmethod
    def _requested(event: evt.Event) -> None:
        """Nobody we do not know gets an association."""
        close_old_connections()
        try:
            if not peers_of(event.assoc):
                event.assoc.acse.send_reject(0x01, 0x01, 0x03)  # calling AE title not recognised
                event.assoc.kill()
        finally:
            connection.close()

    # --- what ----------------------------------------------------------------------------------
    def _store(self, event: evt.Event) -> int:
        path = Path(event.dataset_path)
        try:
            return self._take(event.assoc, path)
        except Exception as exc:  # the peer hears a code, and the other objects go on
            # PRIVACY: the class alone; the text may quote what came.
            log.error("An object could not be taken: %s", type(exc).__name__)
            return NO_ROOM
        finally:
            with suppress(OSError):
                path.unlink()

    def _take(self, link: Any, path: Path) -> int:
        try:
            uid = study_uid_of(path)
        except UNREADABLE as exc:
            log.info("An object is not readable: %s", type(exc).__name__)
            return CANNOT_READ
        sink = self._sink_for(link, uid)
        if sink is None:
            return NOT_EXPECTED
        try:
            dimse.pour(path, sink)
        except PermanentFailure:
            return NOT_EXPECTED
        return 0

    def _sink_for(self, link: Any, uid: str) -> CaseFileSink | None:
        """Who this peer is was asked when it came; that somebody waits is asked each time."""
        with self._lock:
            sinks = self._sinks.setdefault(link, {})
        if (sink := sinks.get(uid)) and waiting().filter(pk=sink.study.pk).exists():
            return sink
        study = expected(link, uid)
        if study is None:
            return None
        if sink:
            sink.close()  # another transfer waits for the same study by now
        sinks[uid] = CaseFileSink(study.transfer, study)
        return sinks[uid]

    def _over(self, event: evt.Event) -> None:
        """The connection ended: what came by it is stored. Called once or twice."""
        with self._lock:
            sinks = self._sinks.pop(event.assoc, {})
        try:
            for sink in sinks.values():
                with suppress(PermanentFailure):
                    sink.close()
        finally:
            connection.close()


def peers_of(link: Any) -> list[Peer]:
    """Our peers that have this name and this address."""
    calling = str(link.requestor.primitive.calling_ae_title).strip()
    named = Peer.objects.in_use().filter(
        kind=Peer.Kind.DIMSE, their_ae=calling, our_ae=link.acceptor.ae_title
    )
    return [peer for peer in named if _is_at(peer, str(link.requestor.address))]


def _is_at(peer: Peer, address: str) -> bool:
    try:
        places = resolve(peer.address, peer.port, is_inside=peer.is_inside)
    except (PermanentFailure, TemporaryFailure):
        return False
    known = {ipaddress.ip_address(str(place[0])) for _family, place in places}
    return ipaddress.ip_address(address) in known


def study_uid_of(path: Path) -> str:
    """Read no further than that, and never far. Raises one of UNREADABLE.

    SECURITY: elements without end before the number would fill the memory, fifty bytes for one.
    """
    with path.open("rb") as file:
        head = BytesIO(file.read(HEAD_BYTES))
    told = read_partial(head, stop_when=lambda tag, _vr, _length: tag > STUDY_UID)
    return str(told.StudyInstanceUID)


def waiting() -> Any:
    """Studies that a running transfer waits for now."""
    return TransferStudy.objects.filter(
        is_chosen=True,
        moving_until__gt=Now(),
        transfer__peer__retired_at=None,
        transfer__status=Transfer.Status.RUNNING,
        transfer__cancelled_at=None,
    )


def expected(link: Any, uid: str) -> TransferStudy | None:
    """The study that a running transfer of this peer waits for now."""
    rows = waiting().filter(
        StudyInstanceUID=uid, transfer__peer__in=[peer.pk for peer in peers_of(link)]
    )
    chosen: TransferStudy | None = rows.select_related(
        "transfer__case_file", "transfer__by", "transfer__record_request"
    ).first()
    return chosen
