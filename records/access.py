"""Who may use which route of this app, and what it shows. Checked on every request."""

from records.holder_access import HOLDER_ROUTES
from secondop.lib.routes import SIGNED_IN, route

ROUTES = [
    route("records:upload_create", "POST OPTIONS", SIGNED_IN, "Begin a resumable upload (tus)"),
    route(
        "records:upload",
        "HEAD PATCH DELETE OPTIONS",
        SIGNED_IN,
        "Go on with a resumable upload",
    ),
    route("records:upload_simple", "POST", SIGNED_IN, "Upload one file without JavaScript"),
    route(
        "records:documents",
        "GET",
        SIGNED_IN,
        "The list of own documents, refreshed while they are checked",
    ),
    route("records:document", "GET", SIGNED_IN, "One document, page by page"),
    route("records:page_image", "GET", SIGNED_IN, "The picture of one page"),
    route("records:download", "GET", SIGNED_IN, "The original file as an attachment"),
    route("records:set_kind", "POST", SIGNED_IN, "Say what a document is"),
    route("records:remove", "GET POST", SIGNED_IN, "Remove an own document"),
    route("records:images_add", "GET", SIGNED_IN, "Send images: a folder, a disc, a ZIP, files"),
    route("records:images_here", "GET", SIGNED_IN, "Which images are here, before sending more"),
    route("records:images", "GET", SIGNED_IN, "Studies and series", audit="imaging.opened"),
    route("records:images_series", "GET", SIGNED_IN, "Pictures", audit="imaging.opened"),
    route("records:images_classify", "POST", SIGNED_IN, "What a sealed reader sees of a series"),
    route("records:images_cover", "GET POST", SIGNED_IN, "Have places in a series covered"),
    route("records:images_decide", "POST", SIGNED_IN, "Let a held study in, or refuse it"),
    route("records:images_remove", "GET POST", SIGNED_IN, "Take a study back"),
    route("records:inlets", "GET POST", SIGNED_IN, "Let a hospital push images (token)"),
    route("records:inlet_revoke", "POST", SIGNED_IN, "Close a hospital's way in"),
    route(
        "records:giveaway_terms",
        "GET POST",
        {"coordinator", "administrator"},
        "Words that give a diagnosis away, the clinic's list",
    ),
    route("records:right_patient", "GET", SIGNED_IN, "Records that may be of somebody else"),
    route("records:identity_decide", "GET POST", SIGNED_IN, "Decide whose record it is"),
    route("records:identity_answer", "POST", SIGNED_IN, "The patient says: this is (not) me"),
    route("records:facts", "GET POST", SIGNED_IN, "Lab values and history; add a value of a paper"),
    route("records:specimens", "GET POST", SIGNED_IN, "Where slides and blocks are"),
    route("records:specimen_step", "GET POST", SIGNED_IN, "What happened to slides or blocks"),
    route("records:icd10_search", "GET POST", SIGNED_IN, "Search ICD-10-CM"),
    route("records:proxies", "GET POST", SIGNED_IN, "Who acts for the patient"),
    route("records:proxy_accept", "GET POST", SIGNED_IN, "Accept to act for a patient"),
    route("records:proxy_take_back", "POST", SIGNED_IN, "Take back an invitation to act"),
    route("records:proxy_end", "POST", SIGNED_IN, "End a proxy"),
]
ROUTES += HOLDER_ROUTES
