"""Mails to record holders: a link and a number. PRIVACY: no name, nothing about health."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from records import holder_links
from records.models import HolderLink, HolderMail, RecordRequest
from records.record_request_rules import may_reach
from secondop.jobs.ring import ring
from secondop.notifications.channels import hand_over

Words = str | Promise


@dataclass(frozen=True)
class Wording:
    subject: Words
    sentence: Words


WORDS: dict[str, Wording] = {
    "asked": Wording(
        gettext_lazy("A request for records"),
        gettext_lazy("A patient asks you, through us, for a copy of records that you hold."),
    ),
    "reminder": Wording(
        gettext_lazy("Reminder: a request for records"),
        gettext_lazy("We asked you for a copy of a patient's records and still wait for them."),
    ),
    "due": Wording(
        gettext_lazy("The term has passed: a request for records"),
        gettext_lazy(
            "The term for a patient's request for records has passed. Please send them now, or"
            " tell us what is in the way."
        ),
    ),
}


def queue_mail(record_request: RecordRequest, message: str, *, once: str) -> None:
    """Queue one mail in the caller's transaction; the same `once` is queued once."""
    mail, is_new = HolderMail.objects.get_or_create(
        record_request=record_request,
        once=once[:60],
        defaults={
            "clinic_id": record_request.clinic_id,
            "case_file_id": record_request.case_file_id,
            "message": message,
        },
    )
    if is_new:
        ring(mail)


def deliver(mail: HolderMail) -> None:
    """Send it, if it may still be sent: asked again now, not when it was queued."""
    record_request = RecordRequest.objects.select_related("holder", "clinic", "case_file").get(
        pk=mail.record_request_id
    )
    link = HolderLink.objects.live().filter(record_request=record_request).first()
    holder = record_request.holder
    wanted = record_request.is_waiting and record_request.case_file.is_open_for_records
    if not (link and wanted and holder.email and may_reach(record_request)):
        return
    with override(holder.language):
        hand_over(_written(mail, record_request, link))


def _written(mail: HolderMail, record_request: RecordRequest, link: HolderLink) -> EmailMessage:
    wording = WORDS[mail.message]
    clinic = record_request.clinic
    lines = [
        str(wording.sentence),
        _("Our number for it: %(number)s") % {"number": record_request.reference},
        _("This link shows the signed permission and takes the files. It needs no account:"),
        holder_links.address_of(link),
        _("Please answer by %(day)s. You can also say there that you need more time, or that you"
          " do not have the records.")
        % {"day": date_format(record_request.due_at, "DATE_FORMAT")},
        _("This mail holds no health information. Questions: %(clinic)s, %(phone)s.")
        % {"clinic": clinic.name, "phone": clinic.phone},
    ]  # fmt: skip
    return EmailMessage(
        subject=f"{wording.subject} ({record_request.reference})",
        body="\n\n".join(lines) + "\n",
        to=[record_request.holder.email],
        # One row, one message id: a mail server that sees it twice can drop the second.
        headers={"Message-ID": f"<{mail.pk}@{settings.MAIL_DOMAIN}>"},
    )
