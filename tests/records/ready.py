"""Documents that were screened, and drafts whose original diagnosis a test says."""

from __future__ import annotations

import io

from records import uploads
from records.models import Document, OriginalDiagnosis
from records.tasks import screen
from tests import factories


def received(content: bytes, opinion_request=None, *, name: str = "a.pdf", **told: str) -> Document:
    opinion_request = opinion_request or factories.draft()
    upload = uploads.begin(
        opinion_request.case_file,
        by=opinion_request.started_by,
        file_name=name,
        size_bytes=len(content),
        **told,
    )
    uploads.append(upload, io.BytesIO(content), offset=0, length=len(content))
    return Document.objects.get(key=upload.key)


def screened(content: bytes, opinion_request=None, **options: str) -> Document:
    document = received(content, opinion_request, **options)
    screen(str(document.screening.pk))
    document.refresh_from_db()
    return document


def told(**fields: str):
    """A draft whose original diagnosis is what the test says."""
    opinion_request = factories.draft()
    OriginalDiagnosis.objects.update_or_create(
        case_file=opinion_request.case_file,
        defaults={"clinic_id": opinion_request.clinic_id, "diagnosis": "", "treatment": "",
                  "icd10_code": "", "doctor_name": "", "hospital_name": "", **fields},
    )  # fmt: skip
    return opinion_request
