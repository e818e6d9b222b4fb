"""Who lives in the playground. The logins page and `manage.py demo_logins` print this list."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.hashers import make_password

from secondop.accounts.models import Clinic, Membership, User
from secondop.accounts.roles import (
    ADMINISTRATOR,
    AUDITOR,
    COORDINATOR,
    PATIENT,
    QUALITY_REVIEWER,
    ROLES,
    SPECIALIST,
)
from specialists.models import Specialist

# SECURITY: known to everybody who reads this file. `seed_demo` refuses outside of a demo.
PASSWORD = "try second opinions here"
TOTP_SECONDS = 30

CLINICS: dict[str, dict[str, Any]] = {
    "riverside": {
        "name": "Riverside Second Opinions",
        "phone": "+1 555 0100",
        "email": "hello@riverside.example",
        "time_zone": "America/New_York",
    },
    "lakeside": {
        "name": "Lakeside Heart and Bone Clinic",
        "phone": "+1 555 0200",
        "email": "hello@lakeside.example",
        "time_zone": "America/Chicago",
    },
}


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    role: str  # a key of ROLES, or PATIENT
    clinic: str  # a key of CLINICS
    can_try: str  # what somebody can do when signed in as this person
    language: str = "en"

    @property
    def role_title(self) -> str:
        return "Patient" if self.role == PATIENT else str(ROLES[self.role].title)

    @property
    def clinic_name(self) -> str:
        return str(CLINICS[self.clinic]["name"])

    @property
    def totp_secret(self) -> str:
        """The same on every installation, so that an authenticator app needs it only once.

        Empty for patients: they need no second factor.
        """
        if self.role == PATIENT:
            return ""
        return base64.b32encode(hashlib.sha256(self.email.encode()).digest()[:20]).decode()

    def code_now(self) -> str:
        """Return the six digits that sign this person in during these 30 seconds."""
        if not self.totp_secret:
            return ""
        counter = int(time.time()) // TOTP_SECONDS
        return str(format_hotp_value(hotp_value(self.totp_secret, counter)))


DEMO_PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson("maria@patients.example", "Maria Alvarez", PATIENT, "riverside",
               "read a report in which two oncologists disagree, and ask about it"),
    DemoPerson("ben@patients.example", "Ben Carter", PATIENT, "riverside",
               "go on with a draft and send it"),
    DemoPerson("omar@patients.example", "Omar Haddad", PATIENT, "riverside",
               "answer what the clinic asked and send the request again"),
    DemoPerson("laura@patients.example", "Laura Hill", PATIENT, "riverside",
               "act for her father, whose records are being gathered"),
    DemoPerson("sofia@patients.example", "Sofia Rossi", PATIENT, "riverside",
               "watch a request that a specialist is studying"),
    DemoPerson("coordinator@riverside.example", "Carla Reyes", COORDINATOR, "riverside",
               "work through the queue: triage, gather, prepare, refer"),
    DemoPerson("tom@riverside.example", "Tom Baker", COORDINATOR, "riverside",
               "be the second coordinator on the same request"),
    DemoPerson("feld@riverside.example", "Anna Feld", SPECIALIST, "riverside",
               "study a sealed case, write, seal, reveal and sign"),
    DemoPerson("okafor@riverside.example", "Samuel Okafor", SPECIALIST, "riverside",
               "see the desk of a breast surgeon"),
    DemoPerson("lin@riverside.example", "Mei Lin", SPECIALIST, "riverside",
               "see the desk of a bone and joint surgeon"),
    DemoPerson("quality@riverside.example", "Ruth Adler", QUALITY_REVIEWER, "riverside",
               "check a report and deliver it"),
    DemoPerson("admin@riverside.example", "Ines Novak", ADMINISTRATOR, "riverside",
               "invite people, see jobs that failed"),
    DemoPerson("auditor@riverside.example", "Paul Grant", AUDITOR, "riverside",
               "read the audit trail"),
    DemoPerson("coordinator@lakeside.example", "Nora Quinn", COORDINATOR, "lakeside",
               "see that another clinic sees nothing of Riverside"),
    DemoPerson("okonkwo@lakeside.example", "Ada Okonkwo", SPECIALIST, "lakeside",
               "take or decline an offer, answer a follow-up question"),
    DemoPerson("quality@lakeside.example", "Henrik Dahl", QUALITY_REVIEWER, "lakeside",
               "check reports at the other clinic"),
    DemoPerson("admin@lakeside.example", "Joan Peters", ADMINISTRATOR, "lakeside",
               "run the other clinic"),
    DemoPerson("david@patients.example", "David Osei", PATIENT, "lakeside",
               "wait for a heart specialist to accept"),
    DemoPerson("rosa@patients.example", "Rosa Delgado", PATIENT, "lakeside",
               "read a report and see the own follow-up question", "es"),
    DemoPerson("nadia@patients.example", "Nadia Brooks", PATIENT, "riverside",
               "see the founding example while its records are being prepared"),
    DemoPerson("clara@patients.example", "Clara Jensen", PATIENT, "riverside",
               "see the founding example with two readers: one has sealed, one reads"),
    DemoPerson("grace@patients.example", "Grace Kim", PATIENT, "riverside", "see a sent request"),
    DemoPerson("elena@patients.example", "Elena Petrova", PATIENT, "riverside",
               "see a request whose records are complete"),
    DemoPerson("james@patients.example", "James Whitfield", PATIENT, "riverside",
               "see a report being checked"),
    DemoPerson("ahmed@patients.example", "Ahmed Saleh", PATIENT, "riverside",
               "read an old report of a finished request"),
    DemoPerson("ingrid@patients.example", "Ingrid Larsen", PATIENT, "lakeside",
               "read why the clinic suggests something else first"),
    DemoPerson("peter@patients.example", "Peter Lang", PATIENT, "riverside",
               "open a stopped request again"),
    DemoPerson("hannah@patients.example", "Hannah Weiss", PATIENT, "riverside",
               "open an expired request again"),
)  # fmt: skip

SPECIALISTS: dict[str, dict[str, Any]] = {
    "feld@riverside.example": {
        "title": "Dr", "specialty": "Medical oncology", "languages": ["en", "de"],
        "interests": ["breast cancer", "cancer of the prostate"],
        "licence": "New York 214 553", "institution": "Riverside Cancer Center",
        "biography": "Treats people with breast cancer since 2004.",
    },
    "okafor@riverside.example": {
        "title": "Dr", "specialty": "Breast surgery", "languages": ["en"],
        "interests": ["breast cancer", "reconstruction"],
        "licence": "New York 198 020", "institution": "Hudson General Hospital",
        "biography": "Has operated on more than 2,000 people with breast cancer.",
    },
    "lin@riverside.example": {
        "title": "Prof", "specialty": "Orthopedic surgery", "languages": ["en", "zh"],
        "interests": ["knee", "hip", "spine", "hand"],
        "licence": "New York 240 117", "institution": "Riverside Institute of Motion",
        "biography": "Leads a clinic for joints in which two of three people leave unoperated.",
    },
    "okonkwo@lakeside.example": {
        "title": "Dr", "specialty": "Cardiology", "languages": ["en", "es"], "capacity": 5,
        "interests": ["heart rhythm", "heart valves"],
        "licence": "Illinois 036 118 220", "institution": "Lakeside Heart Institute",
        "biography": "Reads about 40 heart studies a week.",
    },
}  # fmt: skip

BORN_ON: dict[str, date] = {
    "maria@patients.example": date(1967, 5, 2), "ben@patients.example": date(1988, 9, 12),
    "omar@patients.example": date(1979, 1, 23), "laura@patients.example": date(1971, 7, 7),
    "sofia@patients.example": date(1974, 3, 30), "david@patients.example": date(1959, 12, 3),
    "rosa@patients.example": date(1951, 4, 18), "grace@patients.example": date(1990, 6, 26),
    "nadia@patients.example": date(1969, 2, 11), "clara@patients.example": date(1966, 8, 25),
    "elena@patients.example": date(1982, 11, 9), "james@patients.example": date(1956, 2, 14),
    "ahmed@patients.example": date(1985, 8, 1), "ingrid@patients.example": date(1963, 10, 21),
    "peter@patients.example": date(1970, 5, 15), "hannah@patients.example": date(1995, 1, 8),
}  # fmt: skip


def make_people() -> tuple[dict[str, Clinic], dict[str, User]]:
    """Return the demo's clinics by slug and people by e-mail, creating what is missing."""
    clinics = {
        slug: Clinic.objects.get_or_create(slug=slug, defaults=fields)[0]
        for slug, fields in CLINICS.items()
    }
    password = make_password(PASSWORD)  # once: hashing is slow by design
    return clinics, {p.email: _make_person(p, clinics[p.clinic], password) for p in DEMO_PEOPLE}


def _make_person(person: DemoPerson, clinic: Clinic, password: str) -> User:
    user, is_new = User.objects.get_or_create(
        email=person.email,
        defaults={
            "full_name": person.name,
            "password": password,
            "language": person.language,
            "time_zone": clinic.time_zone,
        },
    )
    if not is_new:
        return user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if person.role == PATIENT:
        return user
    Membership.objects.create(user=user, clinic=clinic, role=person.role)
    if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        TOTP.activate(user, person.totp_secret)
    if person.role == SPECIALIST:
        Specialist.objects.create(user=user, clinic=clinic, **SPECIALISTS[person.email])
    return user
