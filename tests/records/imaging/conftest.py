"""A case file, its patient and its coordinator."""

import pytest

from tests import factories
from tests.records.dicom.samples import a_case_file
from tests.secondop.api.dicomweb_files import signed_in


@pytest.fixture
def case_file():
    return a_case_file()


@pytest.fixture
def patient(case_file):
    return signed_in(case_file.patient.user)


@pytest.fixture
def staff(case_file):
    return factories.coordinator(case_file.clinic)
