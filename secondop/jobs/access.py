"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.lib.routes import route

ROUTES = [
    route("jobs:list", "GET", {"coordinator", "administrator"}, "Jobs in trouble"),
    route("jobs:retry", "POST", {"coordinator", "administrator"}, "Try a job again"),
]
