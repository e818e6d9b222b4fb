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
}
MAIL = _("The mail server does not answer. We try again by ourselves.")
OTHERWISE = _("The program met something it does not know. Try again; if it stays, tell support.")


def reason_in_words(last_error: str) -> str | Promise:
    """Return a sentence for a code. An unknown code gets a sentence too, never silence."""
    if last_error.startswith("mail:"):
        return MAIL
    return REASONS.get(last_error, OTHERWISE)
