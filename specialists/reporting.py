"""What a report says: one snapshot, from which every page and PDF of that version is rebuilt."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from requests_app.models import OpinionRequest, Rendering, Report
from secondop.jobs.ring import ring
from secondop.lib.canonical import canonical_json, sha256_of

FORMAT = "secondop.report/1"


def build_snapshot(opinion_request: OpinionRequest) -> dict[str, Any]:
    """Return everything the report prints, as plain JSON values (no floats)."""
    return {"format": FORMAT, "reference": opinion_request.reference}


def issue_report(opinion_request: OpinionRequest, *, approved_by: Any) -> Report:
    """Write the next version and queue its PDF. Call inside the approving transaction."""
    last = opinion_request.reports.order_by("-version").first()
    snapshot = build_snapshot(opinion_request)
    report = Report.objects.create(
        clinic_id=opinion_request.clinic_id,
        opinion_request=opinion_request,
        version=last.version + 1 if last else 1,
        snapshot=snapshot,
        snapshot_sha256=sha256_of(canonical_json(snapshot)),
        approved_by=approved_by,
        delivered_at=timezone.now(),
    )
    ring(Rendering.objects.create(report=report, clinic_id=opinion_request.clinic_id))
    return report
