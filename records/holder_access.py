"""Routes about record holders: the clinic's, the patient's, and the door's. Part of `access.py`."""

from secondop.accounts.roles import ADMINISTRATOR, COORDINATOR
from secondop.lib.routes import ANYBODY, SIGNED_IN, route

HOLDER_ROUTES = [
    # the clinic
    route("holders:asks", "GET", COORDINATOR, "Every open request for records, by due date"),
    route("holders:of_case_file", "GET", COORDINATOR, "Who has records of one case"),
    route("holders:ask", "GET POST", COORDINATOR, "Ask a record holder for certain records"),
    route("holders:record_request", "GET", COORDINATOR, "One request for records and its ledger"),
    route("holders:step", "POST", COORDINATOR, "Send, extend, press, resolve or stop it"),
    route(
        "holders:letter", "GET", COORDINATOR, "A letter to a record holder as PDF",
        audit="record_request.letter_opened",
    ),
    # the patient, and the clinic for them
    route("holders:add", "GET POST", SIGNED_IN, "Name a place that has records"),
    route("holders:mine", "GET", SIGNED_IN, "Whom we wait for, since when, and what to sign"),
    route("holders:authorization", "GET POST", SIGNED_IN, "Read and sign a permission"),
    route("holders:take_back", "GET POST", SIGNED_IN, "Take a permission back"),
    route("holders:first_doctor", "GET POST", SIGNED_IN, "Whether the first doctor is told"),
    route(
        "holders:first_doctor_letter", "GET", SIGNED_IN, "The letter to the first doctor as PDF",
        audit="first_doctor.letter_opened",
    ),
    route("holders:first_doctor_step", "POST", COORDINATOR, "Send it, or have it written again"),
    # the clinic's administrators
    route("holders:duties", "GET POST", ADMINISTRATOR, "Where the first doctor must take part"),
    route("holders:duty_end", "POST", ADMINISTRATOR, "Take such a statement back"),
    # the door: open to anybody, and empty without the cookie of a link
    route("door:enter", "GET", ANYBODY, "Exchange a record holder's link for a short cookie"),
    route("door:code", "GET POST", ANYBODY, "Type the code of a letter"),
    route("door:page", "GET", ANYBODY, "Who asks a record holder, and for what"),
    route("door:permission", "GET", ANYBODY, "The signed permission"),
    route("door:permission_pdf", "GET", ANYBODY, "The signed permission as PDF"),
    route("door:upload_create", "POST OPTIONS", ANYBODY, "Begin a resumable upload (tus)"),
    route("door:upload", "HEAD PATCH DELETE OPTIONS", ANYBODY, "Go on with a resumable upload"),
    route("door:file", "POST", ANYBODY, "Send files without JavaScript"),
    route("door:images_here", "GET", ANYBODY, "Which images this link brought"),
    route("door:answer", "POST", ANYBODY, "A note, more time, no, or that is all"),
    route("door:thanks", "GET", ANYBODY, "Thanks"),
]  # fmt: skip
