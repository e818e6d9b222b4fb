"""What the tests of imaging share."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as of_all


@pytest.fixture
def own_uploads(settings) -> Path:
    """A folder of this test alone, on the disk of the store: others run beside it."""
    settings.UPLOADS_DIR = of_all.UPLOADS_DIR / uuid4().hex
    return settings.UPLOADS_DIR
