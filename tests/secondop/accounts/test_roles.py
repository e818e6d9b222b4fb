"""The table of roles, on its page and in the docs."""

import pytest
from django.urls import reverse

from secondop.accounts.roles import ROLES
from secondop.accounts.roles_page import PAGE, as_markdown
from tests.factories import auditor


def test_docs_equal_the_table():
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run manage.py write_roles"


@pytest.mark.django_db
def test_staff_read_it_on_a_page(client):
    client.force_login(auditor())
    page = client.get(reverse("accounts:roles")).content.decode()
    for role in ROLES.values():
        assert str(role.title) in page
        assert all(str(right).replace("'", "&#x27;") in page for right in role.may + role.may_not)
