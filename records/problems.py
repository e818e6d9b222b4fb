"""Why a file could not be used, and what to do about it, in the words of the person who sent it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Problem:
    what: str | Promise  # what is wrong
    do: str | Promise  # what to do now


_SAVE_AS_PDF = _("Open it in the program you made it with, save it as a PDF, and send the PDF.")

PROBLEMS: dict[str, Problem] = {
    "empty": Problem(
        _("This file is empty."),
        _("Open it on your device. If you can read it there, save it again and send that."),
    ),
    "changed": Problem(
        _("This file changed on its way to us."), _("Please send it again."),
    ),
    "duplicate": Problem(
        _("You have already sent this file."),
        _("Nothing is lost. You can remove this second copy."),
    ),
    "password": Problem(
        _("This PDF is locked with a password."),
        _(
            "Open it with the password, choose Print, then Save as PDF, and send the new file. "
            "Or ask whoever gave it to you for a copy without a password."
        ),
    ),
    "damaged": Problem(
        _("This file is damaged, so we cannot open it."),
        _(
            "If you can open it on your device, choose Print, then Save as PDF, and send the new "
            "file. If not, ask whoever gave it to you for a new copy."
        ),
    ),
    "program": Problem(
        _("This is a computer program, not a document."),
        _("Do not open it if you do not know where it is from. Send the record itself."),
    ),
    "web_page": Problem(
        _("This is a web page or a drawing with code in it."),
        _("Open it, choose Print, then Save as PDF, and send the PDF."),
    ),
    "office": Problem(_("We cannot take Word, Excel or other office files."), _SAVE_AS_PDF),
    "heic": Problem(
        _("This photo is in the HEIC format, which we cannot show."),
        _(
            "Send it from your phone's browser, which turns it into a JPEG. Or open the photo on "
            "your computer and save it as a JPEG."
        ),
    ),
    "packed": Problem(
        _("This file is packed in a format that we do not open."),
        _("Unpack it on your device and send the files in it."),
    ),
    "unknown": Problem(
        _("We do not know this kind of file."),
        _("Send a PDF, a photo (JPEG or PNG) or a scan (TIFF). A photo of the paper is fine."),
    ),
    "unsafe_xml": Problem(
        _("This record holds instructions that we do not follow."),
        _("Ask whoever gave it to you for a PDF instead."),
    ),
    "too_complex": Problem(
        _("This file is too large or too complicated to be shown page by page."),
        _("Send it in smaller parts, or print it as a PDF and send that."),
    ),
    "too_many_pixels": Problem(
        _("This picture is too large to be shown."),
        _("Take a new photo of the paper, or save the picture in a smaller size."),
    ),
    "virus": Problem(
        _("A virus was found in this file. We have set it aside, and nobody can open it."),
        _("Check your device for viruses. Then ask whoever gave it to you for a clean copy."),
    ),
    "altered": Problem(
        _("The stored copy of this file is not what you sent. We have set it aside."),
        _("Please send it again. We are looking into it."),
    ),
    "other_patient": Problem(
        _("This file seems to name somebody else. We keep it apart until we know."),
        _("Please look at the question on the page of your request. The clinic decides."),
    ),
}  # fmt: skip

HELD = Problem(
    _("This looks like scans from a CD. We have it and keep it safe."),
    _("The clinic will open it on its imaging page. You need not do anything."),
)


def why_held(code: str) -> Problem:
    return PROBLEMS.get(code, HELD)


def problem_of(code: str) -> Problem | None:
    """The words for a code; codes nobody knows read as "we do not know this file"."""
    return PROBLEMS.get(code, PROBLEMS["unknown"]) if code else None
