"""Time travel for the playground: the one place that writes a time which has not happened.

Deadlines that passed cannot be walked to in seconds. Only due dates are moved; history (status
changes, audit events, seals) always carries the time at which it was really written.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from requests_app.models import OpinionRequest


def let_deadline_pass(opinion_request: OpinionRequest, *, ago: timedelta) -> OpinionRequest:
    """Move the request's deadline to `ago` before now, as if nobody had acted since."""
    opinion_request.due_at = timezone.now() - ago
    opinion_request.save(update_fields=["due_at"])
    return opinion_request
