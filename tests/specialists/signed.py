"""Requests that specialists have signed."""

from __future__ import annotations

from specialists import workflow as referrals
from specialists.models import Referral
from tests.factories import coordinator, opinion_request_at, sign, specialist


def two_opinions():
    """A request that two specialists have signed, one after the other."""
    opinion_request = opinion_request_at("ready")
    first, second = specialist(opinion_request.clinic), specialist(opinion_request.clinic)
    by = coordinator(opinion_request.clinic)
    for who in (first, second):
        opinion_request = referrals.refer(opinion_request, to=who, by=by)
    for referral in opinion_request.referrals.all():
        referrals.take(referral, by=referral.specialist.user)
    for referral in opinion_request.referrals.all():
        sign(Referral.objects.get(pk=referral.pk))
    opinion_request.refresh_from_db()
    assert opinion_request.status == "quality_check"
    return opinion_request
