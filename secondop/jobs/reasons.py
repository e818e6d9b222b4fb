"""Why a job is in trouble, in words for the people at the desk. Codes come from `last_error`."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, str | Promise] = {
    "address refused": _(
        "The mail server does not know this address. Ask the person for another one, or call."
    ),
    "clamd": _("The virus scanner does not answer. The file waits until it does."),
    "timeout": _("It took too long and was stopped."),
    "too much memory": _("It needed too much memory and was stopped."),
    "page_not_readable": _("A page could not be painted over. Withhold the document instead."),
    "original_changed": _("The stored original is not what was received. It is set aside."),
    "nothing_to_cover": _("Nothing was marked, so no copy was made."),
    # transfers of images
    "address_forbidden": _(
        "This address is inside a network that we do not enter. An administrator can allow it."
    ),
    "answer_cut_off": _("The other system stopped in the middle. We go on where it stopped."),
    "answer_too_large": _("The other system found too much. Search for less."),
    "answer_unreadable": _("The other system answered in a way that we cannot read."),
    "cancelled": _("Somebody at the clinic stopped this."),
    "case_file_closed": _("The case file takes no more records, so nothing more was copied."),
    "certificate_not_trusted": _(
        "The other system shows a certificate that nobody we know has signed. "
        "Ask its owners for the certificate of their authority."
    ),
    "certificate_unreadable": _("The certificate that was given for this system is damaged."),
    "half_a_study": _("The other system gave only a part of the images. We ask for the rest."),
    "object_too_large": _("One image is larger than we take."),
    "first_doctor_not_told": _(
        "This is the first doctor's place, and the patient does not want it to know."
    ),
    "killed_too_often": _(
        "This was broken off again and again without one more image. Somebody must look at it."
    ),
    "peer_away": _("The other system does not answer. We try again by ourselves."),
    "peer_cannot": _("The other system cannot give the images as they are."),
    "peer_fails": _("The other system reports an error. We try again by ourselves."),
    "peer_hangs": _("The other system fell silent. We try again by ourselves."),
    "peer_not_there": _("The other system knows nothing at this address."),
    "peer_refuses_us": _("The other system does not let us in. Check the names and the password."),
    "peer_retired": _("This system is no longer in use here."),
    "peer_secret_lost": _("The password for this system must be entered again."),
    "peer_unknown_name": _("The name of the other system is not known in the network."),
    "read_sealed": _("A specialist reads this case file sealed. Send the images afterwards."),
    "permission_ended": _("The patient's permission has ended, so nothing more was copied."),
    "peer_busy": _("The other system has much to do. We try again when it said we may."),
    # records from a hospital's system
    "ehr_cancelled": _("This was stopped. Nothing of it was kept."),
    "ehr_declined": _("You did not allow it at the hospital, so nothing was copied. That is fine."),
    "ehr_no_patient": _("The hospital's system did not say whose records these are."),
    "ehr_no_smart": _("The hospital's system does not tell where patients can sign in safely."),
    "ehr_other_patient": _(
        "The records there seem to be of somebody else. Only the name was kept. "
        "The clinic looks at it and tells you how to go on."
    ),
    "ehr_sign_in_again": _("The hospital's sign-in has run out. Please sign in there again."),
    "ehr_sign_in_failed": _("The sign-in at the hospital did not work. Please try it once more."),
    "ehr_too_long": _("The hospital's system was too slow. Please start again later."),
    "study_too_large": _("This study holds more images than we take at once."),
}
MAIL = _("The mail server does not answer. We try again by ourselves.")
OTHERWISE = _("The program met something it does not know. Try again; if it stays, tell support.")


def reason_in_words(last_error: str) -> str | Promise:
    """Return a sentence for a code. An unknown code gets a sentence too, never silence."""
    if last_error.startswith("mail:"):
        return MAIL
    return REASONS.get(last_error, OTHERWISE)
