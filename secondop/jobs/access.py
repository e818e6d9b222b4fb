"""Who may use which route of this app, and what it shows. Checked on every request."""

from secondop.accounts.roles import ADMINISTRATOR, COORDINATOR
from secondop.lib.routes import route

ROUTES = [
    route("jobs:list", "GET", {COORDINATOR, ADMINISTRATOR}, "Jobs in trouble"),
    route("jobs:retry", "POST", {COORDINATOR, ADMINISTRATOR}, "Try a job again"),
]
