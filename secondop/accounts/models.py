"""People who can sign in, the clinics of this installation, and who works where."""

from __future__ import annotations

import secrets
import uuid
from functools import cached_property
from typing import Any, ClassVar, Self
from zoneinfo import available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from secondop.accounts.roles import ROLES
from secondop.jobs.models import Job


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(_("Choose a time zone such as America/Chicago."))


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())

    def visible_to(self, user: Any) -> models.QuerySet[User]:
        """Oneself. Colleagues and patients are seen through rows that name them."""
        return self.filter(pk=user.pk)

    def working_as(self, role: str, *, clinic_id: Any) -> models.QuerySet[User]:
        """Active people who hold `role` at the clinic now."""
        members = Membership.objects.live().filter(clinic_id=clinic_id, role=role)
        return self.filter(is_active=True, pk__in=members.values("user"))


class User(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(
        max_length=5, choices=[("en", "English"), ("es", "Español")], default="en"
    )
    time_zone = models.CharField(max_length=50, default="UTC", validators=[validate_time_zone])
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    class Privacy:
        private = {"email", "full_name", "phone", "password"}
        plain = {
            "id",
            "language",
            "time_zone",
            "is_active",
            "joined_at",
            "last_login",
            "is_superuser",
            "groups",
            "user_permissions",
        }

    def __str__(self) -> str:
        return f"person {str(self.pk)[:8]}"

    @property
    def is_staff(self) -> bool:
        """Nobody enters Django's own admin: it knows nothing of sight or grants."""
        return False

    @property
    def display_name(self) -> str:
        return self.full_name or self.email

    @cached_property
    def roles(self) -> dict[str, frozenset[uuid.UUID]]:
        """Role -> clinics. Kept for this object, that is for one request; never across requests."""
        held: dict[str, set[uuid.UUID]] = {}
        for role, clinic_id in self.memberships.live().values_list("role", "clinic_id"):
            held.setdefault(role, set()).add(clinic_id)
        return {role: frozenset(clinics) for role, clinics in held.items()}

    def clinics_as(self, *roles: str) -> frozenset[uuid.UUID]:
        return frozenset().union(*(self.roles.get(role, frozenset()) for role in roles))

    def works_as(self, role: str, clinic_id: Any) -> bool:
        return clinic_id in self.roles.get(role, frozenset())

    @property
    def is_clinic_staff(self) -> bool:
        """Holds any role: needs a second factor before seeing anything."""
        return bool(self.roles)


class ClinicQuerySet(models.QuerySet["Clinic"]):
    def visible_to(self, user: Any) -> Self:
        """The clinics where this person works, in any role."""
        return self.filter(pk__in=user.clinics_as(*ROLES))


class Clinic(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    phone = models.CharField(max_length=40)
    email = models.EmailField(blank=True)
    country = models.CharField(max_length=2, default="US")  # ISO 3166-1 alpha-2
    emergency_number = models.CharField(max_length=20, default="911")
    time_zone = models.CharField(
        max_length=50, default="America/New_York", validators=[validate_time_zone]
    )
    is_open = models.BooleanField(default=True)  # takes new requests
    follow_up_days = models.PositiveSmallIntegerField(default=14)
    unopened_call_hours = models.PositiveSmallIntegerField(default=72)
    offer_hours = models.PositiveSmallIntegerField(default=12)
    review_hours = models.PositiveSmallIntegerField(default=48)
    demands_second_look = models.BooleanField(default=False)  # before a sealed reader gets an item

    objects = ClinicQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    class Privacy:
        private: set[str] = set()
        plain = {
            "id",
            "name",
            "slug",
            "phone",
            "email",
            "country",
            "emergency_number",
            "time_zone",
            "is_open",
            "follow_up_days",
            "unopened_call_hours",
            "offer_hours",
            "review_hours",
            "demands_second_look",
        }

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def live(self) -> Self:
        return self.filter(ended_at=None)

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as("administrator"))


class Membership(models.Model):
    """One person holds one role at one clinic. Ended, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="memberships")
    role = models.CharField(
        max_length=20, choices=[(key, role.title) for key, role in ROLES.items()]
    )
    since = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "clinic", "role"],
                condition=Q(ended_at=None),
                name="membership_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False),
                name="membership_ended_pair",
            ),
        ]

    class Privacy:
        private: set[str] = set()
        plain = {"id", "user", "clinic", "role", "since", "ended_at", "ended_by"}

    def __str__(self) -> str:
        return f"membership {str(self.pk)[:8]}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=Now())

    def expired(self) -> Self:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__lte=Now())

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        return self.filter(clinic_id__in=user.clinics_as("administrator"))


class Invitation(models.Model):
    """A clinic administrator asks somebody to join. The link's token is kept hashed only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(
        max_length=20, choices=[(key, role.title) for key, role in ROLES.items()]
    )
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_pair",
            )
        ]

    class Privacy:
        private = {"email", "token_sha256"}
        plain = {
            "id",
            "clinic",
            "role",
            "invited_by",
            "created_at",
            "expires_at",
            "accepted_at",
            "accepted_by",
            "revoked_at",
        }

    def __str__(self) -> str:
        return f"invitation {str(self.pk)[:8]}"

    @staticmethod
    def new_token() -> str:
        return secrets.token_urlsafe(32)


class InvitationMail(Job):
    """Carries an invitation to its person. The link is made when it is sent, never stored."""

    TASK = "secondop.accounts.tasks.send_invitation"
    QUEUE = "notifications"
    TITLE = "Invitation by e-mail"

    invitation = models.ForeignKey(Invitation, models.CASCADE, related_name="mails")
    language = models.CharField(max_length=5, default="en")

    class Privacy:
        private: set[str] = set()
        plain = Job.JOB_FIELDS | {"invitation", "language"}


class Letter(Job):
    """A mail about an account: confirm an address, choose a new password. Emptied once sent."""

    TASK = "secondop.accounts.tasks.send_letter"
    QUEUE = "notifications"
    TITLE = "E-mail about an account"

    to = models.EmailField(blank=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)

    class Privacy:
        private = {"to", "subject", "body"}
        plain = Job.JOB_FIELDS
