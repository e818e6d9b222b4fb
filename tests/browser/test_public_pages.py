"""What anybody can read without signing in, as a browser shows it."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", ["home", "how", "limits", "privacy", "accessibility", "verify"])
def test_public_page(visitor, name):
    visitor.go(reverse(f"pages:{name}")).look(f"public-{name}")
    assert visitor.page.title()


def test_the_safety_gate_opens_for_everybody(visitor):
    visitor.go(reverse("requests:start")).look("patient-start")
