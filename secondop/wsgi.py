"""The WSGI entry point. WSGI, not ASGI: Django's ASGI handler buffers whole files in memory."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
application = get_wsgi_application()
# Every page is loaded now, in memory that workers share, and not while the first person waits.
_ = get_resolver().url_patterns
