"""All settings, read once from the environment. Secrets may come from files (`NAME_FILE`)."""

from pathlib import Path

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Queue

django_stubs_ext.monkeypatch()  # so that `ModelForm[Clinic]` can be written, as the types want

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # a playground: demo logins, mail readable on a page
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
IS_HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
STATE_DIR = Path(env.str("STATE_DIR", default=str(BASE_DIR / ".local")))
MAIL_DOMAIN = env.str("MAIL_DOMAIN", default="secondop.invalid")

ROOT_URLCONF = "secondop.urls"
WSGI_APPLICATION = "secondop.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
    "secondop.lib",
    "secondop.audit",
    "secondop.jobs",
    "secondop.notifications",
    "secondop.accounts",
    "records",
    "requests_app",
    "specialists",
    "secondop.api",
    "secondop.pages",
    "secondop.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "secondop.middleware.private_by_default",
    "secondop.api.dicomweb.lane.often_asked_by_the_short_way",  # has a policy of its own
    "csp.middleware.CSPMiddleware",
    "secondop.api.dicomweb.inlet.pushed_by_a_hospital",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "secondop.middleware.bounded_forms",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "secondop.accounts.middleware.end_idle_sessions",
    "secondop.middleware.before_the_second_wall",
    "secondop.accounts.middleware.speak_in_their_time",
    "secondop.middleware.declared_routes_only",
    "secondop.middleware.refusals",
    "axes.middleware.AxesMiddleware",
]

FORM_RENDERER = "secondop.lib.forms.UswdsRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "secondop.pages.context.page",
            ],
            "builtins": ["django.templatetags.i18n", "secondop.lib.templatetags.ui"],
        },
    }
]

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": True,  # a refusal anywhere in a page undoes everything the page began
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,  # without it a database restart costs one error per connection
}

# --- files -------------------------------------------------------------------------------------
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
# With a proxy that knows X-Accel-Redirect, the prefix of its internal location, e.g. "/_stored/".
ACCEL_REDIRECT_PREFIX = env.str("ACCEL_REDIRECT_PREFIX", default="")
# The same for one range of a local file: see deploy/nginx/ranges.conf, e.g. "/_ranges/".
ACCEL_RANGES_PREFIX = env.str("ACCEL_RANGES_PREFIX", default="")
FILES_DIR = STATE_DIR / "files"
UPLOADS_DIR = STATE_DIR / "uploads"  # unfinished uploads; local to the web machine or a shared disk
_stored = (
    {
        "BACKEND": "secondop.lib.object_storage.PrivateObjects",
        "OPTIONS": {
            "endpoint_url": S3_ENDPOINT_URL,
            "bucket_name": env.str("S3_BUCKET", default="secondop"),
            "access_key": env.str("S3_ACCESS_KEY", default=""),
            "secret_key": env.str("S3_SECRET_KEY", default=""),
            "default_acl": None,
            "file_overwrite": False,
        },
    }
    if S3_ENDPOINT_URL
    else {
        "BACKEND": "secondop.lib.storage.PrivateFiles",
        "OPTIONS": {"location": str(FILES_DIR)},
    }
)
STORAGES = {
    "default": _stored,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
VIEWER_DIR = BASE_DIR / ".viewer"  # made by deploy/local/viewer.py
MAX_DOCUMENT_BYTES = env.int("MAX_DOCUMENT_BYTES", default=2 * 1024**3 - 1)
MAX_ARCHIVE_BYTES = env.int("MAX_ARCHIVE_BYTES", default=16 * 1024**3)  # the ZIP of a few discs
MAX_CASE_FILE_BYTES = env.int("MAX_CASE_FILE_BYTES", default=50 * 1024**3)
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")  # "unix:/path" or "tcp:host:port"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024**2

# The receiver of images for which we ask by C-MOVE; nothing listens while the port is 0.
DICOM_AE = env.str("DICOM_AE", default="SECONDOP")
DICOM_HOST = env.str("DICOM_HOST", default="127.0.0.1")
DICOM_PORT = env.int("DICOM_PORT", default=0)

# --- jobs and cache ----------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")


def _for_celery(url: str) -> str:
    """kombu spells a unix socket and its database number in its own way."""
    return url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")


CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default=REDIS_URL),
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=300)
CELERY_BROKER_URL = _for_celery(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False  # the row is the truth; a person does not wait for a broker
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 3300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 5400,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = [Queue(n) for n in ("default", "records", "transfers", "notifications")]
CELERY_BEAT_SCHEDULE = {
    "sweep jobs": {"task": "secondop.jobs.tasks.sweep", "schedule": 30.0},
    "watch deadlines": {"task": "specialists.tasks.watch_deadlines", "schedule": 60.0},
    "chase record holders": {"task": "records.tasks.chase_record_holders", "schedule": 3600.0},
    "tell of first doctors": {
        "task": "requests_app.tasks.tell_of_first_doctors",
        "schedule": 3600.0,
    },
    "forget unfinished uploads": {
        "task": "records.tasks.forget_unfinished_uploads",
        "schedule": 3600.0,
    },
    "check stored images": {
        "task": "records.tasks.check_packs",
        "schedule": crontab(hour=2, minute=20),  # UTC
    },
    "tell of slides that are not back": {
        "task": "requests_app.tasks.tell_of_slides",
        "schedule": 3600.0,
    },
    "tell of damaged images": {
        "task": "requests_app.tasks.tell_of_damaged_images",
        "schedule": 600.0,
    },
}

# --- people ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:start"
LOGOUT_REDIRECT_URL = "pages:home"
IDLE_SECONDS_PATIENT = env.int("IDLE_SECONDS_PATIENT", default=30 * 60)
IDLE_SECONDS_STAFF = env.int("IDLE_SECONDS_STAFF", default=15 * 60)
SESSION_COOKIE_AGE = 12 * 3600  # absolute end of a session, whatever happens in it
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# --- languages and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- the wire ----------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "secondop.pages.errors.csrf_failed"
SECURE_SSL_REDIRECT = IS_HTTPS and env.bool("SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- mail --------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="SecondOp <no-reply@secondop.invalid>")
if DEMO:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = STATE_DIR / "mail"
else:
    globals().update(env.email("EMAIL_URL", default="smtp://127.0.0.1:25"))
EMAIL_TIMEOUT = 20

# --- logs --------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"links": {"()": "secondop.lib.logs.without_secret_links"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]}
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# Accounts, second factors and lock-out have their own page of settings.
from secondop.accounts.settings import *  # noqa: E402, F403
