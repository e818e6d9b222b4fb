"""Work that must happen exactly once in effect, though its task may run many times.

The row is the truth; Celery only rings the bell. A concrete job names its `TASK` and `QUEUE`:

    if job := Screening.claim(pk):              # one worker wins, under a lease
        with job.attempt():                     # done, failed (again later) or dead
            findings = examine(job)             # long work, outside any transaction
            with job.closing():                 # effect rows and "done" in one transaction
                apply(findings)
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now


class TemporaryFailure(Exception):
    """Worth another try later. PRIVACY: the message is a short code, never patient data."""


class PermanentFailure(Exception):
    """No later try can help: the job is dead at once. The message is a short code."""


class LeaseLost(Exception):
    """Another worker took the job over while this one was away; nothing of ours is kept."""


class JobQuerySet(models.QuerySet[Any]):
    def due(self) -> Self:
        """Waiting jobs whose time has come, and running jobs whose lease ran out.

        The database's clock decides: a worker whose clock is wrong must not run others' jobs.
        """
        waiting = Q(status__in=["queued", "failed"], run_after__lte=Now())
        abandoned = Q(status="running", leased_until__lt=Now())
        return self.filter(waiting | abandoned)

    def troubled(self) -> Self:
        return self.filter(status__in=["failed", "dead"])

    def visible_as(self, kind: str, user: Any) -> Self:
        """Kind "desk": jobs of the person's clinics; administrators also see those of no clinic."""
        if kind != "desk":
            return self.none()
        seen = Q(clinic_id__in=user.clinics_as("coordinator", "administrator"))
        if user.clinics_as("administrator"):
            seen |= Q(clinic_id=None)
        return self.filter(seen)


class Job(models.Model):
    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FAILED = "failed"
        DONE = "done"
        DEAD = "dead"

    TASK: ClassVar[str] = ""  # dotted name of the Celery task that runs it
    QUEUE: ClassVar[str] = "default"
    TITLE: ClassVar[str] = ""  # what the staff page calls it
    MAX_ATTEMPTS: ClassVar[int] = 6
    LEASE: ClassVar[timedelta] = timedelta(seconds=settings.JOB_LEASE_SECONDS)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic_id = models.UUIDField(null=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    run_after = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=60, blank=True)
    done_count = models.PositiveIntegerField(default=0)  # progress, in `unit`
    total_count = models.PositiveIntegerField(default=0)
    unit = models.CharField(max_length=20, blank=True)

    JOB_FIELDS: ClassVar[set[str]] = {
        "id",
        "clinic_id",
        "status",
        "attempts",
        "created_at",
        "run_after",
        "leased_until",
        "finished_at",
        "last_error",
        "done_count",
        "total_count",
        "unit",
    }  # all plain; concrete jobs add theirs to Privacy.plain

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                fields=["run_after"],
                condition=Q(status__in=["queued", "failed", "running"]),
                name="%(class)s_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"

    @classmethod
    def claim(cls, pk: Any) -> Self | None:
        """Take the job if it is free. Of any number of callers at most one gets it."""
        won = (
            cls.objects.due()
            .filter(pk=pk)
            .update(
                status=cls.Status.RUNNING,
                leased_until=Now() + cls.LEASE,
                attempts=F("attempts") + 1,
                **cls._on_claim(),
            )
        )
        return cls.objects.get(pk=pk) if won else None

    # A kind of job may count otherwise what uses up its tries: `attempts` counts the claims, and
    # those of workers that were killed are among them.
    @classmethod
    def _on_claim(cls) -> dict[str, Any]:
        """More columns that a claim writes."""
        return {}

    @property
    def tries(self) -> int:
        """How many of its tries are used up, this one included."""
        return self.attempts

    def _on_failure(self) -> dict[str, Any]:
        """More columns that a failure writes."""
        return {}

    def _mine(self) -> models.QuerySet[Any]:
        """This attempt's claim: `attempts` is the fencing number."""
        return type(self).objects.filter(
            pk=self.pk, status=self.Status.RUNNING, attempts=self.attempts
        )

    def heartbeat(self, **progress: Any) -> None:
        """Extend the lease and report progress. Raises LeaseLost when it is no longer ours."""
        if not self._mine().update(leased_until=Now() + self.LEASE, **progress):
            raise LeaseLost

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Run the block and close the job as done, both or neither.

        Raises LeaseLost, undoing the block, when another worker took over meanwhile.
        """
        with transaction.atomic():
            if not self._mine().update(
                status=self.Status.DONE, last_error="", leased_until=None, finished_at=Now()
            ):
                raise LeaseLost
            yield
        self.status = self.Status.DONE

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Close the claim as done, failed (to be tried again) or dead."""
        try:
            yield
            if self.status != self.Status.DONE:
                with self.closing():
                    pass
        except LeaseLost:
            return
        except TemporaryFailure as exc:
            self._give_back(str(exc), dead=self.tries >= self.MAX_ATTEMPTS)
        except PermanentFailure as exc:
            self._give_back(str(exc), dead=True)
        except Exception as exc:
            self._give_back(type(exc).__name__, dead=self.tries >= self.MAX_ATTEMPTS)
            raise

    def _give_back(self, error: str, *, dead: bool) -> None:
        # 15 s, 1 min, 4 min ... 4.3 h; no longer, however often somebody pressed Retry
        wait = timedelta(seconds=15 * 4 ** min(self.tries - 1, 5))
        self._mine().update(
            status=self.Status.DEAD if dead else self.Status.FAILED,
            last_error=error[:60],
            run_after=Now() + wait,
            leased_until=None,
            finished_at=Now() if dead else None,
            **self._on_failure(),
        )
        self.refresh_from_db()
