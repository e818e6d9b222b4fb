"""Who may do what, as a table that a non-programmer can read and review.

Patients and proxies need no role: they are whoever a `Patient` or `Proxy` row names.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PATIENT = "patient"  # not a membership: a kind of person, see records.Patient and records.Proxy
COORDINATOR = "coordinator"
SPECIALIST = "specialist"
QUALITY_REVIEWER = "quality_reviewer"
ADMINISTRATOR = "administrator"
AUDITOR = "auditor"


@dataclass(frozen=True)
class Role:
    title: str | Promise
    may: tuple[str | Promise, ...]
    may_not: tuple[str | Promise, ...]

    @property
    def may_in_words(self) -> str:
        """One line for a choice: "Read ...; write ..."."""
        sentence = "; ".join(str(right) for right in self.may)
        return f"{sentence[:1].upper()}{sentence[1:]}."


ROLES: dict[str, Role] = {
    COORDINATOR: Role(
        _("Coordinator"),
        (
            _("read every request and case file of the clinic"),
            _("triage, gather records, decide what a sealed specialist may see, refer"),
            _("write to patients and specialists"),
        ),
        (
            _("read the patient's private reason"),
            _("read or change an opinion before it is signed"),
            _("check the quality of a report they wrote"),
        ),
    ),
    SPECIALIST: Role(
        _("Specialist"),
        (
            _("read offers without the patient's identity"),
            _("read the case files of the referrals they took, for the time of the referral"),
            _("write, seal and sign an opinion"),
        ),
        (
            _("see the original diagnosis before sealing their own opinion"),
            _("see another specialist's opinion before it is time"),
        ),
    ),
    QUALITY_REVIEWER: Role(
        _("Quality reviewer"),
        (_("read a signed opinion and its case file, send it back with comments or approve it"),),
        (_("check an opinion that they wrote themselves"),),
    ),
    ADMINISTRATOR: Role(
        _("Clinic administrator"),
        (_("invite and remove staff, change the clinic's settings, see failed jobs"),),
        (_("read requests, case files, messages or opinions"),),
    ),
    AUDITOR: Role(
        _("Auditor"),
        (_("read the audit trail of the clinic"),),
        (_("read what the records say"), _("change anything")),
    ),
}

STAFF_ROLES = frozenset(ROLES)
