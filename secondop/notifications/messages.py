"""The catalogue of everything we tell people. PRIVACY: no health data, no names, no free text."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Wording:
    subject: str | Promise
    sentence: str | Promise  # one or two sentences: what happened and what to do now


CATALOGUE: dict[str, Wording] = {
    # patient
    "request_submitted": Wording(
        _("We have your request"), _("We have it. A clinician will read it next.")
    ),
    "patient_needed": Wording(
        _("We need something from you"), _("Please sign in to see what we need.")
    ),
    "request_accepted": Wording(_("News on your request"), _("We are now gathering your records.")),
    "request_returned": Wording(
        _("News on your request"), _("We suggest something else first. Sign in to read it.")
    ),
    "specialist_found": Wording(
        _("News on your request"), _("A specialist is now studying your case.")
    ),
    "report_ready": Wording(
        _("Your report is ready"), _("Sign in to read it. We can also go through it by phone.")
    ),
    "draft_discarded": Wording(
        _("Your unsent request was deleted"),
        _("You did not send it within 60 days, so its files are gone. You can begin a new one."),
    ),
    "report_amending": Wording(
        _("News on your report"),
        _("A specialist looks at it again. A new version will follow. You need not do anything."),
    ),
    "further_opinion": Wording(
        _("News on your request"), _("We are asking one more specialist. You keep your report.")
    ),
    "further_stopped": Wording(
        _("News on your request"),
        _("We found nobody for one more opinion. Your report stays as it is."),
    ),
    "follow_up_answered": Wording(_("Your question has an answer"), _("Sign in to read it.")),
    "message_for_patient": Wording(
        _("You have a message"), _("The clinic wrote to you. Sign in to read it.")
    ),
    "reminder_patient": Wording(
        _("We are waiting for you"), _("Please sign in to see what we need.")
    ),
    "file_problem": Wording(
        _("One of your files could not be used"), _("Sign in to see which one and what to do.")
    ),
    "request_closed": Wording(_("Your request is finished"), _("Sign in to see it.")),
    "request_withdrawn": Wording(
        _("Your request was stopped"), _("It was stopped as you asked. Nothing more is shared.")
    ),
    "request_expired": Wording(
        _("Your request has ended"), _("Nobody acted in time. You can open it again.")
    ),
    "authorization_needed": Wording(
        _("Please sign a permission"),
        _("A hospital or practice has records we need. Sign in to read and sign the permission."),
    ),
    # clinic staff
    "authorization_signed": Wording(
        _("A permission was signed"), _("A record request can be sent now.")
    ),
    "authorization_revoked": Wording(
        _("A permission was taken back"), _("A record request has stopped. Sign in to see which.")
    ),
    "record_arrived": Wording(
        _("Records have arrived"), _("A record holder has sent something. Sign in to see it.")
    ),
    "record_complete": Wording(
        _("A record holder is done"), _("A record holder says that everything is sent.")
    ),
    "record_refused": Wording(
        _("A record holder said no"), _("A record request needs you. Sign in to read why.")
    ),
    "record_holder_wrote": Wording(
        _("A record holder wrote"), _("There is a note on a record request.")
    ),
    "record_reminder_due": Wording(
        _("Please remind a record holder"), _("A reminder letter is ready to be sent or faxed.")
    ),
    "first_doctor_to_tell": Wording(
        _("Please write to a first doctor"),
        _("A report is delivered, and the patient wants the first doctor told."),
    ),
    "record_overdue": Wording(
        _("The term for records has passed"), _("A record request has passed its term. Act now.")
    ),
    "new_request": Wording(_("A new request"), _("A request is waiting for triage.")),
    "patient_answered": Wording(_("A patient answered"), _("A request is back from the patient.")),
    "message_for_clinic": Wording(_("A new message"), _("There is a message on a request.")),
    "referral_taken": Wording(_("A specialist took a case"), _("The review has begun.")),
    "referral_declined": Wording(
        _("A specialist declined"), _("A request needs another specialist.")
    ),
    "referral_expired": Wording(_("An offer ran out"), _("A request needs another specialist.")),
    "more_needed": Wording(_("A specialist needs more"), _("A specialist asked for more records.")),
    "another_look_needed": Wording(
        _("Please look at records again"),
        _("Something shown to a specialist may give too much away. It is withheld until you look."),
    ),
    "seal_broken": Wording(
        _("Urgent: safety finding"), _("A specialist opened a seal for safety. Act now.")
    ),
    "overdue": Wording(_("A request is overdue"), _("A request has passed its deadline.")),
    "call_patient": Wording(
        _("Please call a patient"), _("There is a call to make. Sign in to see which.")
    ),
    # specialist and quality reviewer
    "referral_offered": Wording(
        _("You are asked for an opinion"), _("Please answer by the time shown.")
    ),
    "referral_recalled": Wording(
        _("A request was taken back"), _("You need not do anything more on it.")
    ),
    "review_due": Wording(_("A review is due"), _("Please sign in to see it.")),
    "opinion_sent_back": Wording(
        _("Comments on your opinion"), _("The clinic asks for a change. Sign in to read why.")
    ),
    "message_for_specialist": Wording(
        _("A new message"), _("The clinic wrote to you. Sign in to read it.")
    ),
    "records_added": Wording(
        _("There is more to read"), _("Records were added to a review. Sign in to read them.")
    ),
    "follow_up_asked": Wording(
        _("A follow-up question"), _("A patient asked a question about your opinion.")
    ),
    "quality_check_waiting": Wording(
        _("A report to check"), _("An opinion is waiting for its quality check.")
    ),
}
