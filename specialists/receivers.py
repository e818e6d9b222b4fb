"""What referrals do when the request beneath them ends early."""

from typing import Any

from specialists import workflow
from specialists.models import Referral


def recall_open_referrals(sender: Any, opinion_request: Any, by: Any, **_: Any) -> None:
    for referral in Referral.objects.open().filter(opinion_request=opinion_request):
        workflow.recall(referral, by=by)
