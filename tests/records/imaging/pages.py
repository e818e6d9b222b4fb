"""Readers of images, and the page they look at."""

import re
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from records import grants
from tests import factories
from tests.records.dicom.samples import as_bytes, ct
from tests.secondop.api.dicomweb_files import signed_in

MR = "1.2.840.10008.5.1.4.1.1.4"


def path_for_a_name():
    """An object whose number is a path."""
    data = ct(1, SOPInstanceUID="1.2.3.4.5.6")
    return as_bytes(data).replace(b"1.2.3.4.5.6", b"../../a/b.c")


def reader_of(case_file, sight, kind="specialist"):
    user = getattr(factories, kind)(case_file.clinic)
    user = getattr(user, "user", user)
    until = timezone.now() + timedelta(days=2)
    grants.grant(case_file, to=user, as_role=kind, sight=sight, until=until, by=None)
    return signed_in(user)


def page(client, case_file):
    return client.get(reverse("records:images", args=[case_file.pk]))


def text(response):
    """Without what differs from answer to answer."""
    tokens = r'"X-CSRFToken": "\w+"|name="csrfmiddlewaretoken" value="\w+"'
    return re.sub(tokens, "", response.content.decode())


def staff_clinic(user):
    return user.memberships.get().clinic
