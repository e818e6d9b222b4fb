"""Routes of the public pages: who may call what."""

from secondop.lib.routes import ANYBODY, route

ROUTES = (
    route("pages:home", "GET", ANYBODY, "what the service is and how to start"),
    route("pages:how", "GET", ANYBODY, "how a second opinion goes, step by step"),
    route("pages:limits", "GET", ANYBODY, "what the service cannot do, and emergencies"),
    route("pages:privacy", "GET", ANYBODY, "who may see health data and for how long"),
    route("pages:accessibility", "GET", ANYBODY, "accessibility statement"),
    route("pages:verify", "GET", ANYBODY, "check a report or a seal; the file is not sent"),
    route(
        "pages:language",
        "POST",
        ANYBODY,
        "sets the language cookie, and the own language of who is signed in",
        without_second_factor=True,
    ),
    route("pages:styleguide", "GET", ANYBODY, "every component with sample data; demo only"),
    route("livez", "GET", ANYBODY, "the process answers"),
    route("readyz", "GET", ANYBODY, "database, cache and storage answer; no details"),
)
