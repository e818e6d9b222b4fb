"""Somebody is asked by e-mail to act for a patient. Whoever owns the address may accept."""

from __future__ import annotations

import uuid
from typing import Any, Self

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate

from records.models.patient import Patient, Proxy
from secondop.accounts.models import Clinic


class ProxyInvitationQuerySet(models.QuerySet["ProxyInvitation"]):
    def open(self) -> Self:
        return self.filter(
            accepted_at=None, revoked_at=None, expires_at__gt=Now(), until__gte=TruncDate(Now())
        )

    def visible_to(self, user: Any) -> Self:
        """SECURITY: open ones whose address this person has confirmed as their own."""
        if not user.is_authenticated:
            return self.none()
        own = EmailAddress.objects.filter(user=user, verified=True).values("email")
        return self.open().filter(email__in=own)

    def visible_as(self, kind: str, user: Any) -> Self:
        """ "inviter": the patient's side or the clinic, who asked and may take it back."""
        if kind != "inviter":
            return self.none()
        return self.filter(patient__in=Patient.objects.visible_to(user))


class ProxyInvitation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="proxy_invitations")
    email = models.EmailField()  # lower case
    authority = models.CharField(max_length=20, choices=Proxy.Authority.choices)
    note = models.CharField(max_length=300, blank=True)
    until = models.DateField()
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ProxyInvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="proxy_invitation_once",
            )
        ]

    class Privacy:
        private = {"email", "note"}
        plain = {
            "id", "clinic", "patient", "authority", "until", "invited_by", "created_at",
            "expires_at", "accepted_at", "revoked_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"proxy invitation {str(self.pk)[:8]}"
