"""Why an object was not taken or is not shown: one code, one sentence for who sent it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

PROBLEMS = {
    "not_dicom": _("This is not an image we can read. It stays on your disc."),
    "media_directory": _("This is the disc's table of contents. We do not need it."),
    "no_transfer_syntax": _("This file does not say how it was written, so we cannot read it."),
    "unknown_transfer_syntax": _("This image is stored in a way that only one maker can read."),
    "truncated": _("This file is cut off or damaged. Ask for a new copy of the disc."),
    "too_deep": _("This file is built in a way that no scanner builds it. We did not open it."),
    "too_many_elements": _(
        "This file is built in a way that no scanner builds it. We did not open it."
    ),
    "too_large": _("This file grows far beyond its size when opened. We did not open it."),
    "bad_uid": _("This file does not carry a valid image number, so it cannot be told apart."),
    "not_storable": _("This is a message between machines, not an image or a report."),
    "other_bytes": _("We already have another version of this image. The first one was kept."),
    "other_study": _("This image belongs to another study than the one that was named."),
    "two_patients": _("The images name different people. The clinic will look at them first."),
    "other_patient": _("The images name somebody else. The clinic will look at them first."),
    "damaged": _(
        "Our copy of these images is damaged. We have set it aside and are looking into it."
    ),
    # archives
    "not_an_archive": _("This ZIP file is damaged and cannot be opened."),
    "too_many_entries": _("This ZIP file holds more than 20,000 files. Send it in parts."),
    "archive_too_large": _("This ZIP file is too large when unpacked. Send it in parts."),
    "archive_bomb": _("This file grows far beyond its size when unpacked. We did not unpack it."),
    "encrypted": _("This file is locked with a password. Unlock it first, then send it again."),
    "nested_archive": _("This is a ZIP file inside a ZIP file. Unpack it first, then send it."),
    "link": _("This is a link to another file, not a file."),
    "no_room": _("There is no room for this file in the case file. Remove one first, or ask us."),
    # a copy of a whole case file, from this or another clinic
    "copy_damaged": _(
        "A file in this copy of a case file is damaged, so we took nothing. Download it again."
    ),
    "copy_lacks": _(
        "A file is missing in this copy of a case file, so we took nothing. Download it again."
    ),
    "copy_counts": _(
        "This copy of a case file does not hold what its own list says, so we took nothing. "
        "Send it as it was downloaded."
    ),
    "copy_version": _(
        "This copy of a case file is of a newer kind that we cannot read yet. We took nothing."
    ),
    "copy_unsafe": _(
        "This ZIP file has names that lead out of it. That is not safe, so we took nothing."
    ),
    "overlapping": _(
        "This ZIP file is built so that files share their contents. We did not unpack it."
    ),
}


def sentence(code: str) -> str:
    return str(PROBLEMS.get(code, PROBLEMS["truncated"]))
