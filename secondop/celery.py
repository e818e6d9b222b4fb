"""The Celery application. Tasks are doorbells: the work is a row, see `secondop.jobs`."""

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
app = Celery("secondop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

SWEEP_EVERY_SECONDS = float(os.environ.get("SWEEP_EVERY_SECONDS", "15"))
_stopping = threading.Event()


@worker_ready.connect
def sweep_from_this_worker(**_: Any) -> None:
    """Each worker looks for forgotten jobs itself, so beat is not a single point of failure."""

    def loop() -> None:
        from django.db import close_old_connections

        from secondop.jobs.sweep import ring_due_jobs

        while not _stopping.wait(SWEEP_EVERY_SECONDS):
            try:
                ring_due_jobs()
            except Exception as exc:  # the database may be restarting; the next round tries again
                app.log.get_default_logger().warning("sweep failed: %s", type(exc).__name__)
            finally:
                close_old_connections()

    threading.Thread(target=loop, name="sweep", daemon=True).start()


@worker_shutting_down.connect
def stop_sweeping(**_: Any) -> None:
    _stopping.set()
