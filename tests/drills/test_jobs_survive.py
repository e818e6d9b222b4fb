"""Kill workers, flush Redis, restart the database: nothing is lost, nothing visible doubled.

Each drill queues real notifications and screenings, breaks something, and waits until the rows
say that everything was done. A mail may leave twice when a worker dies between sending and
closing; both then carry the same Message-ID, by which a mail server knows the second.
"""

from __future__ import annotations

import os
import random
import signal
import time

from tests.drills.site import Site, eventually

QUEUE = """
from django.db import transaction
from secondop.notifications.outbox import tell
clinic = factories.ClinicFactory(slug="{name}")
person = factories.UserFactory(email="{name}@example.org")
draft = factories.draft(clinic, user=person)
for n in range({count}):
    with transaction.atomic():
        tell([person], "request_submitted", about=draft)
"""
OPEN = "status NOT IN ('done')"


def queue(site: Site, name: str, count: int) -> None:
    site.run(QUEUE.format(name=name, count=count))


def everything_done(site: Site) -> None:
    """Every job is done, and each was mailed under exactly one Message-ID."""
    eventually(
        lambda: site.count("notifications_notification", OPEN) == 0,
        seconds=60,
        what="every notification is done",
    )
    assert len(set(site.mails())) == site.count("notifications_notification")


class TestKilledWorkers:
    def test_ten_kills_lose_nothing(self, site: Site) -> None:
        queue(site, "killed", 150)
        for _ in range(10):
            worker = site.worker()
            time.sleep(random.uniform(1.5, 3.0))
            site.kill(worker)
        worker = site.worker()
        everything_done(site)
        site.kill(worker)


class TestTheBell:
    def test_a_flushed_redis_loses_nothing(self, site: Site) -> None:
        queue(site, "flushed", 60)
        site.flush_redis()
        worker = site.worker()
        site.flush_redis()
        everything_done(site)
        site.kill(worker)

    def test_a_web_process_killed_between_commit_and_bell_loses_nothing(self, site: Site) -> None:
        before = site.count("notifications_notification")
        code = QUEUE.format(name="web-killed", count=100000)
        process = site.script(code)
        eventually(
            lambda: site.count("notifications_notification") > before + 20, seconds=60, what="rows"
        )
        site.kill(process)
        committed = site.count("notifications_notification")
        worker = site.worker()
        everything_done(site)
        assert site.count("notifications_notification") == committed
        site.kill(worker)

    def test_a_bell_rung_twenty_times_has_one_effect(self, site: Site) -> None:
        before = len(site.mails())
        worker = site.worker()
        site.run(
            QUEUE.format(name="rung", count=1)
            + """
from celery import current_app
from secondop.notifications.models import Notification
job = Notification.objects.latest("created_at")
for n in range(20):
    current_app.send_task(Notification.TASK, args=[str(job.pk)], queue="notifications")
"""
        )
        everything_done(site)
        time.sleep(2)
        assert len(site.mails()) == before + 1
        site.kill(worker)


class TestTheDatabase:
    def test_a_crash_and_restart_loses_nothing(self, site: Site) -> None:
        queue(site, "restarted", 60)
        worker = site.worker()
        time.sleep(2)
        crash = site.postgres.child.process
        assert crash
        os.killpg(crash.pid, signal.SIGKILL)
        crash.wait()
        time.sleep(1)
        site.postgres.start()
        everything_done(site)
        site.kill(worker)


class TestTheClock:
    def test_two_beats_escalate_once(self, site: Site) -> None:
        site.run(
            """
from datetime import timedelta
from django.utils import timezone
from requests_app.models import OpinionRequest
late = factories.opinion_request_at("submitted")
OpinionRequest.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=1))
"""
        )
        workers, beats = [site.worker()], [site.beat("one"), site.beat("two")]
        site.run(
            "from specialists.tasks import watch_deadlines\nwatch_deadlines()\nwatch_deadlines()"
        )
        eventually(
            lambda: site.count("requests_app_stafftask", "kind = 'overdue'") == 1,
            seconds=20,
            what="one escalation",
        )
        time.sleep(3)
        assert site.count("requests_app_stafftask", "kind = 'overdue'") == 1
        for process in [*workers, *beats]:
            site.kill(process)
