"""Mails that are not news about a request: confirm an address, a new password, invitations.

They may go to people who have no account yet, so they cannot be a `Notification`. A row first,
the bell after commit, like everything that leaves the house. PRIVACY: no health data.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import override

from secondop.accounts.models import Invitation, InvitationMail, Letter
from secondop.jobs.models import Job
from secondop.jobs.ring import ring
from secondop.notifications.channels import hand_over


def send_letter(*, to: str, subject: str, body: str, clinic_id: Any = None) -> Letter:
    """Queue one mail in the caller's transaction."""
    letter = Letter.objects.create(
        to=to, subject=subject[:200], body=body, **({"clinic_id": clinic_id} if clinic_id else {})
    )
    ring(letter)
    return letter


def deliver_letter(letter: Letter) -> None:
    """Send it, then forget what it said: the row stays as proof that something was sent."""
    hand_over(_mail(letter, to=letter.to, subject=letter.subject, body=letter.body))
    with letter.closing():
        Letter.objects.filter(pk=letter.pk).update(to="", subject="", body="")


def token_of(invitation: Invitation) -> str:
    """Return the invitation's secret of 256 bits; stored nowhere, only its SHA-256 is.

    SECURITY: keyed with SECRET_KEY, so whoever reads the database cannot make the link, and a
    mail that is tried again carries the same one.
    """
    mac = salted_hmac("secondop.accounts.invitation", str(invitation.pk), algorithm="sha256")
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def sha256_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def deliver_invitation(mail: InvitationMail) -> None:
    """Send the link, unless the invitation was taken back or used meanwhile."""
    invitation = Invitation.objects.open().filter(pk=mail.invitation_id).first()
    if invitation is None:
        return
    path = reverse("accounts:invitation", args=[token_of(invitation)])
    with override(mail.language):
        subject = _("You are invited to %(clinic)s") % {"clinic": invitation.clinic.name}
        body = "\n\n".join(
            [
                _("%(clinic)s invites you to work with them on SecondOp as: %(role)s.")
                % {"clinic": invitation.clinic.name, "role": invitation.get_role_display()},
                _("Open this link within 7 days. It works once, and only for you:"),
                f"{settings.SITE_URL}{path}",
                _("If you did not expect this, you need not do anything."),
            ]
        )
    hand_over(_mail(mail, to=invitation.email, subject=subject, body=body + "\n"))


def _mail(job: Job, *, to: str, subject: str, body: str) -> EmailMessage:
    # One row, one message id: a mail server that sees it twice can drop the second.
    headers = {"Message-ID": f"<{job.pk}@{settings.MAIL_DOMAIN}>"}
    return EmailMessage(subject=subject, body=body, to=[to], headers=headers)
