"""The web process as a server loads it."""

from __future__ import annotations

import subprocess
import sys

LOADED = "import secondop.wsgi, sys; print('\\n'.join(sys.modules))"


def test_pages_and_what_they_use_are_loaded_before_the_first_person_comes():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    pages = {"requests_app.views.intake", "records.views.documents", "specialists.views.writing"}
    used = {"requests_app.access", "redis.client", "celery.result"}
    assert pages | used | {"secondop.api.dicomweb.retrieve"} <= set(done.stdout.split())
