"""Find jobs whose bell was lost or whose worker died, and ring again."""

from django.apps import apps

from secondop.jobs.models import Job
from secondop.jobs.ring import ring_now


def job_models() -> list[type[Job]]:
    """Return every concrete kind of job that is installed."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def ring_due_jobs(limit: int = 500) -> int:
    """Ring for up to `limit` due jobs of each kind; stop at the first bell that is not heard."""
    rung = 0
    for model in job_models():
        due = model.objects.due().order_by("run_after").values_list("pk", flat=True)
        for pk in due[:limit]:
            if not ring_now(model, pk):
                return rung
            rung += 1
    return rung
