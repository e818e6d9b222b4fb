"""After delivery the clinic is told to write to the first doctor, if the patient wants it."""

import pytest
from django.core import mail

from records import first_doctor
from requests_app.first_doctor_told import tell_coordinators
from secondop.notifications.models import Notification
from tests.factories import opinion_request_at

pytestmark = pytest.mark.django_db


def told():
    return Notification.objects.filter(message="first_doctor_to_tell").count()


def test_it_is_told_once_after_delivery_and_only_where_it_is_wanted():
    wanted, other = opinion_request_at("delivered"), opinion_request_at("delivered")
    early = opinion_request_at("collecting")
    for opinion_request in (wanted, early):
        patient = opinion_request.case_file.patient
        first_doctor.choose(opinion_request.case_file, "told_after", by=patient.user)
    tell_coordinators()
    tell_coordinators()
    assert told() == 1
    first_doctor.choose(other.case_file, "not_told", by=other.case_file.patient.user)
    tell_coordinators()
    assert told() == 1
    assert mail.outbox == []  # nothing goes to the doctor by itself
