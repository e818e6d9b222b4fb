"""Objects of a peer into a case file: batches of a bounded size, and a look before each object.

The batch is the one behind STOW-RS and archives: what is known is not doubled, what is refused
leaves nothing behind.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from records.dicom.ingest import Batch
from records.imaging_workflow import note_refused
from records.models import AccessGrant, HolderLink, Transfer, TransferStudy
from secondop.jobs.models import PermanentFailure
from secondop.lib.verdicts import Refused

BATCH_OBJECTS, BATCH_BYTES = 100, 128 * 1024**2
BATCH_SECONDS = 5.0  # from a slow peer less is stored at once, so that a crash costs seconds
BEAT_SECONDS = 2.0


def stop_reason(transfer: Transfer) -> str:
    """Why nothing more may be copied, asked before each object or batch; "" when it may.

    One statement, because it is asked for each object.
    """
    sealed = AccessGrant.objects.live().filter(sight=AccessGrant.Sight.SEALED)
    row: dict[str, Any] = (
        Transfer.objects.filter(pk=transfer.pk)
        .annotate(
            read_sealed=Exists(sealed.filter(case_file=OuterRef("case_file"))),
            permitted=Exists(
                HolderLink.objects.live().filter(record_request=OuterRef("record_request"))
            ),
        )
        .values("cancelled_at", "case_file__is_open_for_records", "read_sealed", "permitted")
        .get()
    )
    if row["cancelled_at"] is not None:
        return "cancelled"
    if transfer.direction == Transfer.Direction.OUT:
        # SECURITY: as `workflow.may_send` says; a sealed reader may have come since it began.
        return "read_sealed" if row["read_sealed"] else ""
    if not row["case_file__is_open_for_records"]:
        return "case_file_closed"
    if transfer.record_request_id and not row["permitted"]:
        return "permission_ended"
    return ""


class CaseFileSink:
    """`close` stores the last batch. Not for two threads."""

    def __init__(
        self, transfer: Transfer, study: TransferStudy, *, beat: Callable[[], None] | None = None
    ) -> None:
        self.transfer, self.study, self._beat = transfer, study, beat
        self.sender: Any = transfer.record_request or transfer.by
        self.seen: set[str] = set()  # objects that are over: stored, known or refused
        self.problems: Counter[str] = Counter()
        self._batch: Batch | None = None
        self._beaten_at = self._opened_at = time.monotonic()

    def begin(self) -> None:
        if reason := stop_reason(self.transfer):
            self.close()
            raise PermanentFailure(reason)
        self._open_batch().begin()

    def _open_batch(self) -> Batch:
        if self._batch is None:
            uid = self.study.StudyInstanceUID
            self._batch = Batch(self.transfer.case_file, by=self.sender, study_uid=uid)
            self._batch.__enter__()
            self._opened_at = time.monotonic()
        return self._batch

    def write(self, block: bytes) -> None:
        self._open_batch().write(block)

    def finish(self) -> None:
        batch = self._open_batch()
        batch.finish()
        is_full = len(batch.results) >= BATCH_OBJECTS or batch.size_bytes >= BATCH_BYTES
        if is_full or time.monotonic() - self._opened_at > BATCH_SECONDS:
            self.close()
        else:
            self.wait()

    def wait(self) -> None:
        """The peer is at work and brings nothing here: keep the lease of the transfer."""
        if self._beat and time.monotonic() - self._beaten_at > BEAT_SECONDS:
            self._beat()
            self._beaten_at = time.monotonic()

    def close(self) -> None:
        """Store what is here. An object that was cut off is dropped."""
        batch, self._batch = self._batch, None
        if batch is None:
            return
        try:
            results = batch.close()
        except Refused:  # the permission ended in this very moment: nothing of it is kept
            raise PermanentFailure("permission_ended") from None
        finally:
            batch.__exit__(None, None, None)
        refused = Counter(result.problem for result in results if result.problem)
        self.seen |= {result.received.instance_uid for result in results if result.received}
        self.problems += refused
        if refused:
            by = self.transfer.record_request or self.transfer.by
            note_refused(self.transfer.case_file, refused, by=by)
        if self._beat:
            self._beat()

    def drop(self) -> None:
        batch, self._batch = self._batch, None
        if batch:
            batch.__exit__(None, None, None)


def mark_moving(study: TransferStudy, *, seconds: int) -> None:
    """The receiver may take objects of this study from now on, by the database's clock."""
    TransferStudy.objects.filter(pk=study.pk).update(
        moving_until=Now() + timedelta(seconds=seconds) if seconds else None
    )
