"""The WSGI entry point. WSGI, not ASGI: Django's ASGI handler buffers whole files in memory."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secondop.settings")
application = get_wsgi_application()
