"""The WSGI entry point. WSGI, not ASGI: Django's ASGI handler buffers whole files in memory."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse
from django.utils.translation import override

from secondop.lib.routes import declared_routes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
application = get_wsgi_application()
# Loaded now, in memory that workers share, and not while the first person waits: every page and its
# address in each language, who may open it, and what a first question to the cache and a first job
# would load.
for language, _name in settings.LANGUAGES:
    with override(language):
        reverse("pages:home")
declared_routes()
for used_later in (
    "allauth.account.auth_backends", "celery.app.amqp", "celery.app.task", "celery.backends.base",
    "celery.canvas", "celery.events", "celery.result", "django.contrib.messages.storage.fallback",
    "django.contrib.sessions.serializers", "django.core.cache.backends.redis",
    "kombu.transport.redis", "redis",
):  # fmt: skip
    import_module(used_later)
