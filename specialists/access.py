"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.accounts.roles import COORDINATOR, QUALITY_REVIEWER, SPECIALIST
from secondop.lib.routes import route

ROUTES = [
    route(
        "specialists:refer",
        "GET POST",
        COORDINATOR,
        "Choose a specialist and offer the request",
    ),
    route("specialists:recall", "POST", COORDINATOR, "Take an open referral back"),
    route("specialists:resume", "POST", COORDINATOR, "Hand the case back to the specialist"),
    route("specialists:amend", "GET POST", COORDINATOR, "Ask for a change of a delivered report"),
    route(
        "specialists:further_opinion",
        "GET POST",
        COORDINATOR,
        "Ask one more specialist after delivery",
    ),
    route(
        "specialists:compare",
        "GET POST",
        COORDINATOR,
        "The readers side by side, once all have sealed; ask a further one",
    ),
    route("specialists:panel", "GET POST", COORDINATOR, "Form a panel: lead and quorum"),
    route("specialists:stop_looking", "POST", COORDINATOR, "Back to the delivered report"),
    route("specialists:specialist_thread", "GET POST", COORDINATOR, "Messages with the specialist"),
    route("specialists:desk", "GET", SPECIALIST, "Own offers and reviews"),
    route(
        "specialists:profile", "GET POST", SPECIALIST, "Own entry: specialty, licence, languages"
    ),
    route("specialists:reading_grade", "POST", SPECIALIST, "How plain a typed text reads"),
    route("specialists:referral", "GET", SPECIALIST, "The offer, or where the review stands"),
    route("specialists:take", "POST", SPECIALIST, "Take the referral"),
    route("specialists:decline", "GET POST", SPECIALIST, "Decline with a reason"),
    route("specialists:thread", "GET POST", SPECIALIST, "Messages with the clinic; ask for more"),
    route("specialists:case_file", "GET", SPECIALIST, "The case file as far as the sight goes"),
    route("specialists:mark_read", "POST", SPECIALIST, "Mark a document as reviewed or not"),
    route("specialists:write", "GET POST", SPECIALIST, "Write the independent opinion"),
    route("specialists:autosave", "POST", SPECIALIST, "Save typed text"),
    route("specialists:seal", "GET POST", SPECIALIST, "Seal the independent opinion"),
    route("specialists:seal_file", "GET", SPECIALIST, "What was sealed, as a file"),
    route("specialists:reveal", "POST", SPECIALIST, "Open the original diagnosis"),
    route("specialists:break_seal", "GET POST", SPECIALIST, "Open the seal for safety"),
    route("specialists:complete", "GET POST", SPECIALIST, "Compare, answer, options, summary"),
    route(
        "specialists:others",
        "GET POST",
        SPECIALIST,
        "Other opinions after the own seal: a further reader's A and B, a lead's panel",
    ),
    route("specialists:revise", "GET POST", SPECIALIST, "Revise a sealed field with a reason"),
    route("specialists:sign", "GET POST", SPECIALIST, "Sign the opinion"),
    route("specialists:answer_follow_up", "GET POST", SPECIALIST, "Answer a follow-up question"),
    route("specialists:checks", "GET", QUALITY_REVIEWER, "Reports waiting for a check"),
    route("specialists:check", "GET POST", QUALITY_REVIEWER, "One report to check"),
    route("specialists:decide", "POST", QUALITY_REVIEWER, "Approve or send back"),
]
