"""The product's settings with slow, outward or random parts replaced. Nothing of ours is."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "for tests only")
if "STATE_DIR" not in os.environ:
    os.environ["STATE_DIR"] = tempfile.mkdtemp(prefix="secondop-test-")
os.environ.setdefault("DEMO", "0")

# Each xdist worker has a Redis database of its own: emptying one cache must not empty another's.
_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16
os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].partition('?')[0]}?db={_number}"

from secondop.settings import *  # noqa: E402, F403

# Copied from a database that is migrated already; what that lacks, Django still applies.
DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEST_TEMPLATE")}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405  (else whitenoise warns)
