"""The SecondOp project: settings, wiring and the apps that every other app stands on."""

from secondop.celery import app as celery_app

__all__ = ["celery_app"]
