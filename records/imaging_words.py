"""What the page that sends images says while it works. `{n}` and the like are filled in there.

A pair is one and many. Used by `records.views.imaging_upload` alone.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _


def words() -> dict[str, Any]:
    return _found() | _on_the_way() | _at_the_end()


def _found() -> dict[str, Any]:
    return {
        "looking": _("Looking at file {n} of {total}"),
        "lookingFailed": _("We could not look at these files. Reload the page and try again."),
        "studies": [_("{n} study"), _("{n} studies")],
        "images": [_("{n} image"), _("{n} images")],
        "files": [_("{n} file"), _("{n} files")],
        "summary": _("{studies}, {images}, {size}"),
        "nothing": _("There are no images here that we can read."),
        "nothingHint": _(
            "Choose the whole disc or its main folder, not one file of it. If the disc holds a ZIP "
            "file, you can send that."
        ),
        "others": [
            _("{n} file is not an image and stays on your disc."),
            _("{n} files are not images and stay on your disc."),
        ],
        "broken": [
            _("{n} file could not be read. The disc may be scratched."),
            _("{n} files could not be read. The disc may be scratched."),
        ],
        "copies": [
            _("{n} file is a second copy of an image. It is sent once."),
            _("{n} files are second copies of an image. They are sent once."),
        ],
        "documents": [
            _("{n} file looks like a letter or a photo. Send it too?"),
            _("{n} files look like letters or photos. Send them too?"),
        ],
        "zips": [
            _("{n} ZIP file. We unpack it here and take out the images."),
            _("{n} ZIP files. We unpack them here and take out the images."),
        ],
        "people": _(
            "These images name more than one person: {names}. Untick what is not of the patient."
        ),
        "unread": _("Files that may be images"),
        "noDescription": _("Images without a title"),
        "send": _("Send {images}"),
        "sendZips": _("Send"),
        "modalities": {
            "CT": _("CT scan"), "MR": _("MRI scan"), "PT": _("PET scan"), "NM": _("Nuclear scan"),
            "US": _("Ultrasound"), "MG": _("Mammogram"), "CR": _("X-ray"), "DX": _("X-ray"),
            "RG": _("X-ray"), "XA": _("Vessel X-ray"), "RF": _("X-ray film"), "SR": _("Report"),
            "SM": _("Tissue slides"), "ES": _("Endoscopy"), "XC": _("Photo"), "DOC": _("Report"),
            "RTPLAN": _("Radiotherapy"), "RTDOSE": _("Radiotherapy"), "SEG": _("Outlines"),
            "RTSTRUCT": _("Radiotherapy"), "ECG": _("Heart tracing"), "OT": _("Other images"),
        },
    }  # fmt: skip


def _on_the_way() -> dict[str, Any]:
    return {
        "progress": _("{sent} of {total}"),
        "rate": _("{rate} a second"),
        "left": _("{time} left"),
        "minutes": [_("about {n} minute"), _("about {n} minutes")],
        "hours": [_("about {n} hour"), _("about {n} hours")],
        "soon": _("less than a minute"),
        "sending": _("Sending"),
        "paused": _("Paused"),
        "offline": _(
            "The connection is gone. Nothing is lost. It goes on by itself when you are back."
        ),
        "cancelled": _("Stopped. What has arrived stays here. Nothing more is sent."),
        "percent": _("{n} percent sent"),
        "signIn": _("You were signed out. Sign in again in another window, then choose Go on."),
        "failed": _("This did not work. Choose Go on to try again, or ask us for help."),
        "unreadable": _("Your computer could not read this file. The disc may be scratched."),
        "notSent": _("This file could not be sent."),
        "unfinished": _(
            "Last time {here} of {total} images were sent. Choose the same folder again. What is "
            "here already is not sent twice."
        ),
    }


def _at_the_end() -> dict[str, Any]:
    return {
        "done": [_("Done. {n} image is here."), _("Done. {n} images are here.")],
        "doneNone": _("None of these images could be taken."),
        "known": [
            _("{n} of them was here before and was not sent again."),
            _("{n} of them were here before and were not sent again."),
        ],
        "refused": [_("{n} file was not taken."), _("{n} files were not taken.")],
        "refusedHint": _(
            "All other images are safe. If one of these matters, ask the place that made the disc "
            "for a new copy."
        ),
        "documentsSent": [
            _("{n} file was sent and is being checked."),
            _("{n} files were sent and are being checked."),
        ],
        "more": _("and {n} more"),
    }
