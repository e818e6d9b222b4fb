"""What several pages of the patient need: their own request, and what the clinic wrote last."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from requests_app.models import OpinionRequest
from secondop.lib.access import get_visible


def own_request(request: HttpRequest, pk: UUID) -> OpinionRequest:
    """SECURITY: the patient or who acts for them; for anybody else it does not exist."""
    rows = OpinionRequest.objects.select_related("clinic", "case_file__patient")
    return get_visible(rows, request.user, pk, as_="patient")


def told_about_it(opinion_request: OpinionRequest, status: str) -> str:
    """Why the request came to `status` last, in the clinic's own words."""
    changes = opinion_request.status_changes.filter(new=status).order_by("-id")
    return changes.values_list("reason", flat=True).first() or ""
