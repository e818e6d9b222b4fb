"""The patient's signed permission, the link of a record holder, and what leaves the house for it.

SECURITY: none of these rows is visible to a specialist. A link's token is stored hashed only.
"""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from records.models.record_request import OfCaseFile, RecordRequest
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job


class AuthorizationQuerySet(OfCaseFile):
    def live(self) -> Self:
        """Signed, not taken back, not run out (by the database's clock)."""
        return self.filter(
            signed_at__isnull=False, revoked_at=None, expires_on__gte=TruncDate(Now())
        )


class Authorization(models.Model):
    """One text, for one record request: offered by the clinic, signed or not by the patient.

    Core elements of 45 CFR 164.508(c)(1): what, who may disclose, to whom, purpose, expiry,
    signature and date with the authority of who signs for somebody. `text` is the whole text as it
    was shown, with the statements of (c)(2); its hash is what was signed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.PROTECT, related_name="authorizations")
    record_request = models.ForeignKey(RecordRequest, models.PROTECT, related_name="authorizations")
    basis = models.CharField(max_length=20, choices=RecordRequest.Basis.choices)
    who_discloses = models.CharField(max_length=400)
    to_whom = models.CharField(max_length=400)
    what = models.TextField(max_length=4000)
    purpose = models.CharField(max_length=300)
    expires_on = models.DateField()
    # The holder learns that somebody else is asked: needed where it is the first doctor's place.
    tells_first_doctor = models.BooleanField(default=False)
    language = models.CharField(max_length=5)
    text_version = models.CharField(max_length=20)
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    offered_at = models.DateTimeField(db_default=Now())
    signed_name = models.CharField(max_length=150, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_from = models.GenericIPAddressField(null=True, blank=True)
    authority = models.CharField(max_length=30, blank=True)  # of a representative
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record_request"],
                condition=Q(revoked_at=None),
                name="authorization_once_per_request",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, signed_name="")
                | (Q(signed_at__isnull=False, signed_by__isnull=False) & ~Q(signed_name="")),
                name="authorization_signed_pair",
            ),
            models.CheckConstraint(
                condition=~Q(who_discloses="") & ~Q(to_whom="") & ~Q(what="") & ~Q(purpose=""),
                name="authorization_core_elements",
            ),
        ]

    class Privacy:
        private = {
            "who_discloses", "to_whom", "what", "purpose", "text", "signed_name", "signed_from",
            "authority", "tells_first_doctor",
        }  # fmt: skip
        plain = {
            "id", "clinic", "case_file", "record_request", "basis", "expires_on", "language",
            "text_version", "text_sha256", "offered_at", "signed_by", "signed_at", "revoked_at",
            "revoked_by",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"authorization {str(self.pk)[:8]}"

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None and self.revoked_at is None

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The text as heading and words, to be shown; a line that stands alone has no words."""
        parts = [part.partition("\n") for part in self.text.split("\n\n")]
        return [(heading, words) for heading, _newline, words in parts]


class HolderLinkQuerySet(OfCaseFile):
    def live(self) -> Self:
        """SECURITY: lives no longer than the authorization it stands on and the open ask."""
        signed = Authorization.objects.live().values("record_request")
        return self.filter(
            revoked_at=None,
            expires_at__gt=Now(),
            record_request__in=signed,
            record_request__sent_at__isnull=False,
        ).exclude(record_request__status=RecordRequest.Status.STOPPED)

    def no_longer_needed(self) -> Self:
        """Of asks that ended because the patient stopped the request: they open nothing."""
        return self.filter(
            revoked_at=None,
            expires_at__gt=Now(),
            record_request__status=RecordRequest.Status.STOPPED,
        )


class HolderLink(models.Model):
    """The way in for a record holder without an account: one link, one record request."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    case_file = models.ForeignKey(CaseFile, models.PROTECT, related_name="+")
    record_request = models.ForeignKey(RecordRequest, models.PROTECT, related_name="links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = HolderLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record_request"], condition=Q(revoked_at=None), name="holder_link_once"
            )
        ]

    class Privacy:
        private = {"token_sha256"}
        plain = {
            "id", "clinic", "case_file", "record_request", "created_at", "expires_at",
            "revoked_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"holder link {str(self.pk)[:8]}"


class HolderLetter(Job):
    """One letter as PDF, for the post, the fax or the file. Made by a worker."""

    TASK = "records.tasks.write_holder_letter"
    QUEUE = "records"
    TITLE = "Letter to a record holder"

    class Kind(models.TextChoices):
        ASK = "ask", _("Letter that asks")
        AUTHORIZATION = "authorization", _("Signed permission")
        REMINDER = "reminder", _("Reminder")
        ESCALATION = "escalation", _("The term has passed")
        COMPLAINT = "complaint", _("Complaint to the authority")

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    record_request = models.ForeignKey(
        RecordRequest, models.CASCADE, related_name="letters", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    written_on = models.DateField()  # the day the letter bears
    key = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)

    class Meta(Job.Meta):
        indexes = [
            *Job.Meta.indexes,
            models.Index(fields=["record_request", "created_at"], name="letter_of_record_request"),
        ]

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {
            "case_file", "record_request", "kind", "written_on", "key", "sha256", "size_bytes",
        }  # fmt: skip


class HolderMail(Job):
    """One mail to a record holder: a link and a number, no name and nothing about health."""

    TASK = "records.tasks.send_holder_mail"
    QUEUE = "notifications"
    TITLE = "E-mail to a record holder"

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="+")
    record_request = models.ForeignKey(
        RecordRequest, models.CASCADE, related_name="mails", db_index=False
    )
    message = models.CharField(max_length=30)  # a key of records.holder_mails.WORDS
    once = models.CharField(max_length=60)  # a key that may be sent only once

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(fields=["record_request", "once"], name="holder_mail_sent_once")
        ]

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"case_file", "record_request", "message", "once"}


class FirstDoctor(models.Model):
    """What the patient decided about the doctor of the original diagnosis. The patient's alone.

    No row means the same as "not told".
    """

    class Choice(models.TextChoices):
        NOT_TOLD = "not_told", _("My first doctor is not told")
        TOLD_AFTER = "told_after", _("My first doctor is told once I have my report")
        INVITED = "invited", _("My first doctor is invited to add records and their view")
        TAKES_PART = "takes_part", _("My first doctor must take part")

    case_file = models.OneToOneField(
        CaseFile, models.CASCADE, primary_key=True, related_name="first_doctor"
    )
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    choice = models.CharField(max_length=20, choices=Choice.choices, default=Choice.NOT_TOLD)
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField(db_default=Now())

    objects = OfCaseFile.as_manager()

    class Privacy:
        private = {"choice"}
        plain = {"case_file", "clinic", "chosen_by", "chosen_at"}

    def __str__(self) -> str:
        return f"first doctor {str(self.pk)[:8]}"
