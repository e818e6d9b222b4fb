"""The two ways a record request changes: a new status, and a line of the ledger beside it.

For the modules of record requests only; who may, they have asked.
"""

from __future__ import annotations

from typing import Any

from records.models import RecordRequest, RecordRequestEvent

Kind = RecordRequestEvent.Kind


def write(record_request: RecordRequest, kind: str, **fields: Any) -> RecordRequestEvent:
    """Add one row to the ledger."""
    return RecordRequestEvent.objects.create(
        clinic_id=record_request.clinic_id,
        case_file_id=record_request.case_file_id,
        record_request=record_request,
        kind=kind,
        **fields,
    )


def move(record_request: RecordRequest, new: str, **fields: Any) -> None:
    """Change the status and say so in the ledger, on a row that is held locked."""
    old = record_request.status
    record_request.move_to(new)
    write(record_request, Kind.MOVED, old=str(old), new=str(new), **fields)
