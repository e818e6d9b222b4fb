"""kill -9 between the steps of a seal: either a step happened whole, or it did not happen."""

from __future__ import annotations

import time
from typing import Any

from tests.drills.site import Site, eventually

WRITE = """
from tests.factories import opinion_request_at, write_independent
write_independent(opinion_request_at("in_review").referrals.get())
"""
# The step is done but not committed when the process says so, and dies waiting.
STEP = """
from django.db import connection, transaction
from specialists import workflow
from specialists.models import Referral
referral = Referral.objects.get()
with transaction.atomic():
    workflow.{step}(referral, by=referral.specialist.user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
    {end}
"""
DIE = "import time; time.sleep(300)"


def killed_in(site: Site, step: str) -> None:
    process = site.script(STEP.format(step=step, end=DIE))
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
    eventually(lambda: site.sql(locks)[0][0] == 1, seconds=60, what=f"{step} is under way")
    site.kill(process)
    eventually(lambda: site.sql(locks)[0][0] == 0, seconds=30, what="the database let go")
    time.sleep(0.1)


def state(site: Site) -> tuple[Any, ...]:
    (status,) = site.sql("SELECT status FROM specialists_referral")[0]
    (revealed,) = site.sql("SELECT revealed_at IS NOT NULL FROM specialists_opinion")[0]
    live = site.sql("SELECT sight FROM records_accessgrant WHERE revoked_at IS NULL")
    return status, site.count("specialists_seal"), revealed, [sight for (sight,) in live]


def test_a_kill_leaves_a_step_done_or_not_begun(site: Site) -> None:
    site.run(WRITE)
    killed_in(site, "seal")
    assert state(site) == ("taken", 0, False, ["sealed"])
    site.run(STEP.format(step="seal", end=""))
    assert state(site) == ("sealed", 1, False, ["sealed"])  # the crash between seal and reveal
    killed_in(site, "reveal")
    assert state(site) == ("sealed", 1, False, ["sealed"])
    site.run(STEP.format(step="reveal", end=""))
    assert state(site) == ("sealed", 1, True, ["full"])
    assert site.count("audit_auditevent", "verb IN ('opinion.sealed', 'opinion.revealed')") == 2
