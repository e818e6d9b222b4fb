"""May this person do this now, about referrals and opinions?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from records.models import AccessGrant
from requests_app.models import FollowUpQuestion, OpinionRequest
from requests_app.rules import is_patient_of, may_ask_specialist, may_coordinate
from secondop.accounts.roles import COORDINATOR, QUALITY_REVIEWER, SPECIALIST
from secondop.audit.models import AuditEvent
from secondop.lib.canonical import sha256_of
from secondop.lib.verdicts import YES, Verdict, never, not_now
from specialists.completeness import missing_before_seal, missing_before_signing
from specialists.models import Opinion, Referral, Specialist

RequestStatus = OpinionRequest.Status
Status = Referral.Status
SEVERAL = 2  # opinions; one alone has nothing beside it


@dataclass(frozen=True)
class Involved:
    """Whom one request already concerns, as sets of ids: asked once for a list of specialists."""

    patients: frozenset[Any]  # accounts of the patient and of whoever acts for them today
    asked: frozenset[Any]  # specialists with an open referral
    knowing: frozenset[Any]  # accounts that had full sight, or worked on it as coordinators


def involved_in(opinion_request: OpinionRequest) -> Involved:
    patient = opinion_request.case_file.patient
    full = AccessGrant.objects.filter(case_file=opinion_request.case_file_id, sight="full")
    viewed = AuditEvent.objects.about_case_file(opinion_request.case_file_id).filter(
        verb="request.viewed", actor_role=COORDINATOR
    )
    return Involved(
        patients=frozenset(patient.proxies.live().values_list("user", flat=True))
        | {patient.user_id},
        asked=frozenset(opinion_request.referrals.open().values_list("specialist", flat=True)),
        knowing=frozenset(full.values_list("to", flat=True))
        | frozenset(viewed.values_list("actor_id", flat=True)),
    )


def may_be_asked(
    specialist: Specialist, opinion_request: OpinionRequest, involved: Involved
) -> Verdict:
    """Whether this specialist can be offered this request, whoever of the clinic offers it."""
    if specialist.user_id in involved.patients:
        return never(_("Nobody reviews their own records."))
    if specialist.clinic_id != opinion_request.clinic_id:
        return never(_("This specialist does not work with your clinic."))
    if not specialist.is_available:
        return not_now(_("This specialist is not available now."))
    if specialist.pk in involved.asked:
        return not_now(_("This specialist has already been asked."))
    if opinion_request.review_mode == "sealed" and specialist.user_id in involved.knowing:
        return not_now(_("This specialist already knows the original diagnosis of this case."))
    return YES


def may_refer(user: Any, opinion_request: OpinionRequest, specialist: Specialist) -> Verdict:
    if not (verdict := may_ask_specialist(user, opinion_request)):
        return verdict
    return may_be_asked(specialist, opinion_request, involved_in(opinion_request))


def may_recall(user: Any, referral: Referral) -> Verdict:
    """Take an open referral back. A request that ends recalls its referrals without asking."""
    if not (verdict := may_coordinate(user, referral.opinion_request)):
        return verdict
    if referral.status not in Referral.OPEN:
        state = str(referral.get_status_display()).lower()
        return not_now(_("This referral is already %(state)s.") % {"state": state})
    return YES


def knows_by_office(user: Any, opinion_request: OpinionRequest) -> bool:
    """SECURITY: who can open the triage page cannot review a case of that clinic sealed."""
    is_sealed = opinion_request.review_mode == OpinionRequest.ReviewMode.SEALED
    return is_sealed and user.works_as(COORDINATOR, opinion_request.clinic_id)


def _own(user: Any, referral: Referral) -> Verdict:
    if referral.specialist.user_id != user.pk or not user.works_as(SPECIALIST, referral.clinic_id):
        return never(_("This referral is not yours."))
    return YES


def may_take(user: Any, referral: Referral) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status != Status.OFFERED:
        return not_now(_("This offer is no longer open."))
    if knows_by_office(user, referral.opinion_request):
        return not_now(
            _("You also coordinate requests here, so you cannot review this one sealed.")
        )
    return YES


def may_decline(user: Any, referral: Referral) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status not in (Status.OFFERED, Status.TAKEN):
        return not_now(_("You can decline before you seal your opinion, not after."))
    return YES


def is_sealed_now(referral: Referral) -> bool:
    """The specialist does not know the original diagnosis yet."""
    opinion = getattr(referral, "opinion", None)
    revealed = opinion is not None and (opinion.revealed_at or opinion.seal_broken_at)
    return referral.review_mode == "sealed" and not revealed


def may_write_independent(user: Any, referral: Referral) -> Verdict:
    """Write the part that will be sealed."""
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status == Status.SEALED:
        return not_now(_("This part is sealed. After the reveal you can revise it with a reason."))
    if referral.status != Status.TAKEN:
        return not_now(_("Take the referral before you write."))
    return YES


def may_seal(user: Any, referral: Referral) -> Verdict:
    if not (verdict := may_write_independent(user, referral)):
        return verdict
    if referral.review_mode != "sealed":
        return not_now(_("This is an open review: there is nothing to seal."))
    if referral.opinion.seal_broken_at:
        return not_now(_("This seal was opened for safety. Complete and sign the opinion."))
    if missing := missing_before_seal(referral.opinion):
        return not_now(missing[0])
    return YES


def may_reveal(user: Any, referral: Referral) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status != Status.SEALED:
        return not_now(_("Seal your own opinion first. Then the original diagnosis opens."))
    if referral.opinion.revealed_at:
        return not_now(_("The original diagnosis is already open to you."))
    return YES


def may_break_seal(user: Any, referral: Referral) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.review_mode != "sealed" or referral.status != Status.TAKEN:
        return not_now(_("There is no closed seal to open here."))
    if referral.opinion.seal_broken_at:
        return not_now(_("The seal is already open."))
    return YES


def may_complete(user: Any, referral: Referral) -> Verdict:
    """Write what follows the reveal: comparison, answers, options, summary."""
    if not (verdict := _own(user, referral)):
        return verdict
    if is_sealed_now(referral):
        return not_now(_("Seal your own opinion and open the original diagnosis first."))
    if referral.status not in (Status.TAKEN, Status.SEALED):
        return not_now(_("This opinion is signed."))
    return YES


def may_revise(user: Any, referral: Referral) -> Verdict:
    """Change a sealed field, keeping before, after and the reason."""
    if not (verdict := may_complete(user, referral)):
        return verdict
    if referral.status != Status.SEALED:
        return not_now(_("Nothing is sealed here: write directly."))
    return YES


def may_sign(user: Any, referral: Referral) -> Verdict:
    if not (verdict := may_complete(user, referral)):
        return verdict
    if referral.opinion_request.status != RequestStatus.IN_REVIEW:
        return not_now(
            _("The clinic is still gathering more records. Tell them if you no longer need them.")
        )
    if is_lead(referral) and referral.panel and not referral.panel.answered_at:
        return not_now(_("Write the panel's joint answer before you sign."))
    if missing := missing_before_signing(referral.opinion):
        return not_now(missing[0])
    return YES


def may_ask_for_more(user: Any, referral: Referral) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status not in (Status.TAKEN, Status.SEALED):
        return not_now(_("Take the referral first."))
    return YES


def may_read(user: Any, referral: Referral) -> Verdict:
    """Open the case file at all. What is shown inside is decided by `records.blinding`."""
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status == Status.OFFERED:
        return not_now(_("Take the referral first. Then the case file opens to you."))
    if referral.status not in (Status.TAKEN, Status.SEALED, Status.SIGNED):
        return not_now(_("This review has ended, so the case file is closed to you."))
    return YES


def may_write_to_clinic(user: Any, referral: Referral) -> Verdict:
    """Before taking too: a question may decide whether the offer fits."""
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status in (Status.DECLINED, Status.EXPIRED, Status.RECALLED):
        return not_now(_("This review has ended. Please call the clinic."))
    return YES


def may_withhold_messages(user: Any, referral: Referral) -> Verdict:
    """Take a message out of the thread of a reader who does not know the original diagnosis."""
    if not (verdict := may_coordinate(user, referral.opinion_request)):
        return verdict
    if not is_sealed_now(referral):
        return not_now(_("This specialist knows the original diagnosis: nothing is withheld."))
    return YES


def may_answer_follow_up(user: Any, referral: Referral, question: FollowUpQuestion) -> Verdict:
    if not (verdict := _own(user, referral)):
        return verdict
    if referral.status != Status.SIGNED:
        return not_now(_("Only who signed the opinion answers questions about it."))
    if question.answered_at:
        return not_now(_("This question has been answered already."))
    return YES


def may_resume(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Hand the case back to the specialist who asked for more."""
    if not (verdict := may_coordinate(user, opinion_request)):
        return verdict
    taken = opinion_request.referrals.filter(status__in=[Status.TAKEN, Status.SEALED])
    if opinion_request.status != RequestStatus.COLLECTING or not taken.exists():
        return not_now(_("No specialist is waiting for more records."))
    return YES


def _after_delivery(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := may_coordinate(user, opinion_request)):
        return verdict
    if opinion_request.status != RequestStatus.DELIVERED:
        return not_now(_("This is possible once a report has been delivered."))
    return YES


def may_amend(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Open the signed opinions again, to change a delivered report."""
    if not (verdict := _after_delivery(user, opinion_request)):
        return verdict
    signed = opinion_request.referrals.filter(status=Status.SIGNED)
    for referral in signed.select_related("specialist__user"):
        if not referral.specialist.user.works_as(SPECIALIST, opinion_request.clinic_id):
            return not_now(
                _("An author does not work here any more. Ask for a further opinion instead.")
            )
    return YES


def may_ask_further(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Ask one more specialist after the report was delivered."""
    return _after_delivery(user, opinion_request)


def may_stop_looking(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Back to the delivered report when nobody was found for one more opinion."""
    if not (verdict := may_coordinate(user, opinion_request)):
        return verdict
    is_ready = opinion_request.status == RequestStatus.READY
    if not is_ready or not opinion_request.reports.exclude(delivered_at=None).exists():
        return not_now(_("This is possible while you look for one more specialist."))
    return YES


def all_have_sealed(opinion_request: OpinionRequest) -> bool:
    """No reader is still deciding. Only then may anybody see what a reader wrote."""
    undecided = opinion_request.referrals.filter(status__in=(Status.OFFERED, Status.TAKEN))
    return not undecided.exists()


def may_compare(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """See the readers side by side. SECURITY: never while one of them is still blind."""
    if not (verdict := may_coordinate(user, opinion_request)):
        return verdict
    decided = opinion_request.referrals.filter(status__in=(Status.SEALED, Status.SIGNED))
    if decided.count() < SEVERAL:
        return not_now(_("There is nothing to compare: fewer than two opinions are sealed."))
    if not all_have_sealed(opinion_request):
        return not_now(_("Not everybody has sealed. Until then nobody sees what a reader wrote."))
    return YES


def may_ask_further_reader(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """One more reader, because those who sealed differ. Before delivery."""
    if not (verdict := may_compare(user, opinion_request)):
        return verdict
    if opinion_request.review_mode != OpinionRequest.ReviewMode.SEALED:
        return not_now(_("In an open review nobody seals an own view first."))
    if opinion_request.status not in (RequestStatus.IN_REVIEW, RequestStatus.QUALITY_CHECK):
        return not_now(_("This is possible until the report is delivered."))
    return YES


def may_make_panel(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := may_coordinate(user, opinion_request)):
        return verdict
    open_for_it = (RequestStatus.READY, RequestStatus.REFERRED, RequestStatus.IN_REVIEW)
    if opinion_request.status not in open_for_it:
        return not_now(_("A panel is formed while specialists are asked or read."))
    return YES


def is_lead(referral: Referral) -> bool:
    return bool(referral.panel and referral.panel.lead_id == referral.specialist_id)


def may_see_others(user: Any, referral: Referral) -> Verdict:
    """The earlier opinions, for a further reader or the lead of a panel, after the own seal.

    SECURITY: before the own seal everybody gets the same answer, whether others read or not.
    """
    if not (verdict := _own(user, referral)):
        return verdict
    opinion = getattr(referral, "opinion", None)
    has_sealed = referral.status in (Status.SEALED, Status.SIGNED)
    if opinion is None or not has_sealed or not opinion.revealed_at:
        return not_now(_("Seal your own opinion and open the original diagnosis first."))
    is_further = referral.part == Referral.Part.FURTHER
    if not is_further and not is_lead(referral):
        return never(_("Each reader gives an own opinion. The others stay closed."))
    if not is_further and not all_have_sealed(referral.opinion_request):
        return not_now(_("The other opinions open when everybody has sealed."))
    return YES


def may_answer_jointly(user: Any, referral: Referral) -> Verdict:
    """Write the joint answer of a panel: its lead, with the quorum of every specialty."""
    if not is_lead(referral):
        return never(_("Only who leads the panel writes its joint answer."))
    if not (verdict := may_see_others(user, referral)):
        return verdict
    if referral.status != Status.SEALED:
        return not_now(_("This opinion is signed."))
    if lacking := lacking_seats(referral.panel):
        return not_now(_("The panel is not complete yet: %(who)s.") % {"who": ", ".join(lacking)})
    return YES


def lacking_seats(panel: Any) -> list[str]:
    """Specialties of which fewer opinions are sealed than the panel needs."""
    decided = panel.referrals.filter(status__in=(Status.SEALED, Status.SIGNED))
    have = Counter(decided.values_list("specialist__specialty", flat=True))
    return [seat.specialty for seat in panel.seats.all() if have[seat.specialty] < seat.needed]


def may_check(user: Any, opinion_request: OpinionRequest) -> Verdict:
    """Check the quality of a report. Never one's own work, never one's own records."""
    if not user.works_as(QUALITY_REVIEWER, opinion_request.clinic_id):
        return never(_("Only a quality reviewer of this clinic can do this."))
    if is_patient_of(user, opinion_request):
        return never(_("Nobody checks a report about themselves."))
    if opinion_request.referrals.filter(specialist__user=user).exists():
        return never(_("Nobody checks their own opinion."))
    if opinion_request.status != RequestStatus.QUALITY_CHECK:
        return not_now(_("This request is not waiting for a quality check."))
    other = opinion_request.quality_checks.filter(ended_at=None).exclude(reviewer=user)
    if other.exists():
        return not_now(_("A colleague is already checking this report."))
    return YES


def may_end_check(user: Any, opinion_request: OpinionRequest) -> Verdict:
    if not (verdict := may_check(user, opinion_request)):
        return verdict
    if not opinion_request.quality_checks.filter(ended_at=None, reviewer=user).exists():
        return not_now(_("Begin the check before you decide."))
    return YES


def seal_is_intact(opinion: Opinion) -> bool:
    return sha256_of(opinion.seal.content) == opinion.seal.sha256
