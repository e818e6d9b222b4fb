"""Every verb of the audit trail as a plain sentence. A test compares it with the source tree.

A sentence has no subject: the page puts who did it in front ("Carla Reyes: opened a document").
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    # accounts
    "clinic.changed": _("changed the clinic's settings"),
    "invitation.sent": _("invited somebody to work here"),
    "invitation.revoked": _("took an invitation back"),
    "membership.began": _("took a role at the clinic"),
    "membership.ended": _("ended somebody's role"),
    "proxy.recorded": _("recorded that somebody may act for a patient"),
    "proxy.invited": _("invited somebody to act for a patient"),
    "proxy.invitation_revoked": _("took back an invitation to act for a patient"),
    "proxy.ended": _("ended that somebody acts for a patient"),
    # records
    "case_file.opened": _("opened a case file to somebody"),
    "case_file.closed": _("closed a case file to somebody"),
    "case_file.read": _("read a case file"),
    "document.received": _("added a document"),
    "document.screened": _("checked a document for harm"),
    "document.quarantined": _("set a document aside because it may be harmful"),
    "document.described": _("said what a document is"),
    "document.classified": _("decided what a sealed specialist sees of a document"),
    "document.opened": _("opened a document"),
    "document.read": _("marked a document as read"),
    "document.downloaded": _("downloaded a document"),
    "document.unread": _("took the mark “read” off a document"),
    "document.removed": _("removed a document"),
    "imaging.received": _("added images"),
    "imaging.held": _("held images back until a person has looked at them"),
    "imaging.released": _("let held images through"),
    "imaging.classified": _("decided what a sealed specialist sees of images"),
    "imaging.opened": _("opened images"),
    "imaging.pack_damaged": _("found that stored images are damaged"),
    "imaging.removed": _("erased the images of a request that was never sent"),
    "imaging.quarantined": _("set images aside because they are damaged"),
    # requests
    "request.begun": _("began a request"),
    "request.viewed": _("looked at the request"),
    "request.submitted": _("submitted a request"),
    "request.patient_asked": _("asked the patient for something"),
    "request.answered": _("changed answers"),
    "request.accepted": _("accepted a request"),
    "request.returned": _("returned a request with advice"),
    "request.ready": _("marked a request as complete"),
    "request.referred": _("asked a specialist for an opinion"),
    "request.in_review": _("a review began"),
    "request.more_needed": _("asked for more records"),
    "request.quality_check": _("a report went to the quality check"),
    "request.sent_back": _("a report went back to the specialist"),
    "request.delivered": _("a report was delivered"),
    "request.amended": _("asked for a change of a report"),
    "request.further_opinion": _("asked for one more specialist"),
    "request.withdrawn": _("stopped a request"),
    "request.discarded": _("threw away a request that was never sent"),
    "request.expired": _("a request ended because nobody acted"),
    "request.reopened": _("opened a request again"),
    "request.closed": _("finished a request"),
    "queue.exported": _("saved the queue as a file"),
    "message.sent": _("wrote a message"),
    "question.classified": _("decided what a sealed specialist sees of a question"),
    "statement.classified": _("decided what a sealed specialist sees of what the patient wrote"),
    "task.done": _("finished a task about the request"),
    "follow_up.asked": _("asked a follow-up question"),
    "follow_up.answered": _("answered a follow-up question"),
    # referrals and opinions
    "referral.offered": _("offered a request to a specialist"),
    "referral.taken": _("took a request"),
    "referral.declined": _("declined a request"),
    "referral.expired": _("an offer ran out"),
    "referral.recalled": _("took an offer back"),
    "opinion.sealed": _("sealed an independent opinion"),
    "opinion.revealed": _("opened the original diagnosis after sealing"),
    "opinion.seal_broken": _("opened the original diagnosis before sealing, for safety"),
    "opinion.revised": _("changed an opinion after sealing"),
    "opinion.signed": _("signed an opinion"),
    "quality_check.begun": _("began a quality check"),
    "quality_check.approved": _("approved a report"),
    "quality_check.sent_back": _("sent a report back with comments"),
    "report.delivered": _("delivered a report"),
    "report.opened": _("opened a report"),
    "report.downloaded": _("downloaded a report"),
    "report.acknowledged": _("said that they read the report"),
    # the machinery
    "job.retried": _("tried a failed job again"),
    "audit.exported": _("saved the audit trail as a file"),
}


def sentence_of(verb: str) -> str:
    """Return the sentence, or the verb itself for one that an older version wrote."""
    return str(SENTENCES.get(verb, verb.replace("_", " ").replace(".", ": ")))
