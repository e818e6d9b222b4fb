"""Archives of other houses that a clinic talks to, and the copying of studies from and to them."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.case_file import CaseFile
from records.models.record_request import RecordRequest
from secondop.accounts.models import Clinic
from secondop.jobs.models import Job, JobQuerySet


class PeerQuerySet(models.QuerySet[Any]):
    def visible_as(self, kind: str, user: Any) -> Self:
        """Administrators set them up; coordinators use them. Nobody else learns their names."""
        if kind not in ("coordinator", "administrator") or not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as(kind))

    def visible_to(self, user: Any) -> Self:
        return self.visible_as("coordinator", user) | self.visible_as("administrator", user)

    def in_use(self) -> Self:
        return self.filter(retired_at=None)


class Peer(models.Model):
    """One archive (PACS) and how it is reached. SECURITY: `secret` is sealed, never shown again."""

    class Kind(models.TextChoices):
        DICOMWEB = "dicomweb", _("DICOMweb (QIDO-RS, WADO-RS, STOW-RS)")
        DIMSE = "dimse", _("DICOM network (C-FIND, C-GET or C-MOVE, C-STORE)")

    class Fetch(models.TextChoices):
        GET = "get", _("C-GET: over our own connection")
        MOVE = "move", _("C-MOVE: it opens a connection to our receiver")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="peers")
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.CharField(max_length=300)  # a URL for DICOMweb, else a host name
    port = models.PositiveIntegerField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(65535)]
    )
    their_ae = models.CharField(max_length=16, blank=True)
    our_ae = models.CharField(max_length=16, blank=True, default="SECONDOP")
    fetch = models.CharField(max_length=4, choices=Fetch.choices, default=Fetch.GET)
    uses_tls = models.BooleanField(default=True)
    ca_certificate = models.TextField(blank=True, max_length=20_000)  # PEM; empty: the usual ones
    secret = models.TextField(blank=True, editable=False)  # sealed by records.transfers.secrets
    is_inside = models.BooleanField(default=False)  # an administrator says: in our own network
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = PeerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "title"], condition=Q(retired_at=None), name="peer_title_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="dicomweb") | (Q(port__gt=0) & ~Q(their_ae="") & ~Q(our_ae="")),
                name="peer_dimse_has_names",
            ),
        ]

    class Privacy:
        private = {"title", "address", "port", "their_ae", "our_ae", "ca_certificate", "secret"}
        plain = {
            "id", "clinic", "kind", "fetch", "uses_tls", "is_inside", "added_by", "added_at",
            "retired_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"peer {str(self.pk)[:8]}"

    @property
    def comes_to_receiver(self) -> bool:
        return self.kind == self.Kind.DIMSE and self.fetch == self.Fetch.MOVE


class TransferQuerySet(JobQuerySet):
    def visible_as(self, kind: str, user: Any) -> Self:
        """SECURITY: for coordinators alone: a hospital's name is sealed from readers."""
        if kind != "coordinator":
            return super().visible_as(kind, user)  # the desk of jobs
        return self.filter(case_file__in=CaseFile.objects.visible_as(kind, user))


class Transfer(Job):
    """Look in a peer for studies, copy the chosen ones into a case file, or send some out."""

    TASK = "records.tasks.run_transfer"
    QUEUE = "transfers"
    TITLE = "Images from or to another system"

    class Direction(models.TextChoices):
        IN = "in", _("From the other system")
        OUT = "out", _("To the other system")

    class Step(models.TextChoices):
        SEARCH = "search"  # only looks; a person chooses from what was found
        COPY = "copy"

    case_file = models.ForeignKey(CaseFile, models.CASCADE, related_name="transfers")
    peer = models.ForeignKey(Peer, models.PROTECT, related_name="transfers")
    record_request = models.ForeignKey(  # the ask that it answers; its permission then decides
        RecordRequest, models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    step = models.CharField(max_length=6, choices=Step.choices, default=Step.SEARCH)
    query = models.JSONField(default=dict, blank=True)  # keywords of DICOM and what to match
    cancelled_at = models.DateTimeField(null=True, blank=True)
    # `attempts` numbers the claims. Only what failed uses up the tries; a worker that was killed
    # does not, unless that happens again and again without one more image coming over.
    failures = models.PositiveSmallIntegerField(default=0)
    kills = models.PositiveSmallIntegerField(default=0)  # in a row, without progress
    done_at_claim = models.PositiveIntegerField(default=0)

    MAX_KILLS = 12

    objects = TransferQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(direction="in") | Q(step="copy"), name="transfer_out_has_no_search"
            )
        ]

    class Privacy:
        private = {"query"}
        plain = Job.JOB_FIELDS | {
            "case_file", "peer", "record_request", "by", "direction", "step",
            "cancelled_at", "failures", "kills", "done_at_claim",
        }  # fmt: skip

    @classmethod
    def _on_claim(cls) -> dict[str, Any]:
        """A claim of a row that still runs means that its worker is gone."""
        stuck = Q(status="running", done_count__lte=F("done_at_claim"))
        return {
            "kills": Case(When(stuck, then=F("kills") + 1), default=0),
            "done_at_claim": F("done_count"),
        }

    @property
    def tries(self) -> int:
        return self.failures + 1

    def _on_failure(self) -> dict[str, Any]:
        return {"failures": F("failures") + 1}

    @property
    def kills_workers(self) -> bool:
        """Whatever it brings ends the process each time: no other try can help."""
        return self.kills >= self.MAX_KILLS


class TransferStudyQuerySet(models.QuerySet[Any]):
    def chosen(self) -> Self:
        return self.filter(is_chosen=True).order_by("pk")


class TransferStudy(models.Model):
    """One study of a transfer: what the peer says of it, and how many of its objects are over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="studies", db_index=False)
    StudyInstanceUID = models.CharField(max_length=64)
    person = models.JSONField(default=dict, blank=True)  # name, born, sex, id: as the peer says
    told = models.JSONField(default=dict, blank=True)  # date, description, modalities
    is_chosen = models.BooleanField(default=False)
    expected_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=dict, blank=True)  # codes of records.dicom.problems: counts
    after_uid = models.CharField(max_length=64, blank=True)  # going out: the last one that is over
    moving_until = models.DateTimeField(null=True, blank=True)  # the receiver takes it until then

    objects = TransferStudyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "transfer studies"
        constraints = [
            models.UniqueConstraint(
                fields=["transfer", "StudyInstanceUID"], name="transfer_study_once"
            )
        ]

    class Privacy:
        private = {"StudyInstanceUID", "person", "told", "after_uid"}
        plain = {
            "id", "clinic", "transfer", "is_chosen", "expected_count", "done_count", "refused",
            "moving_until",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"study of a transfer {str(self.pk)[:8]}"
