"""The demo's mail and logins: readable by everybody there, absent everywhere else."""

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend
from django.urls import NoReverseMatch, reverse

from secondop.demo.people import DEMO_PEOPLE, PASSWORD, make_people
from tests.secondop.accounts import playground_urls  # noqa: F401  (while DEMO is still off)
from tests.secondop.accounts.people import sign_in

pytestmark = pytest.mark.django_db
in_a_demo = pytest.mark.urls("tests.secondop.accounts.playground_urls")


@pytest.fixture
def playground(settings, tmp_path):
    settings.DEMO, settings.EMAIL_FILE_PATH = True, str(tmp_path)
    return tmp_path


@in_a_demo
class TestMail:
    def test_it_shows_what_would_have_been_sent_newest_first(self, client, playground):
        backend = EmailBackend(file_path=str(playground))
        backend.send_messages(
            [EmailMessage("One <b>", "Open http://127.0.0.1:8000/x/", to=["a@b.org"])]
        )
        backend.send_messages([EmailMessage("Two ñ", "Text ñ", to=["c@d.org"])])
        page = client.get(reverse("demo:mail")).content.decode()
        assert page.index("Two ñ") < page.index("One &lt;b&gt;")
        assert 'href="http://127.0.0.1:8000/x/"' in page and "Text ñ" in page

    def test_no_mail_yet_says_so(self, client, playground):
        assert b"No mails yet" in client.get(reverse("demo:mail")).content

    def test_outside_of_a_demo_it_is_404(self, client):
        for name in ("demo:mail", "demo:logins"):
            assert client.get(reverse(name)).status_code == 404


@in_a_demo
class TestLogins:
    def test_a_newcomer_signs_in_with_what_the_page_says(self, client, playground):
        make_people()
        page = client.get(reverse("demo:logins")).content.decode()
        assert PASSWORD in page and "Playground only" in page
        staff = next(person for person in DEMO_PEOPLE if person.totp_secret)
        sign_in(client, staff, password=PASSWORD)
        client.post(reverse("mfa_authenticate"), {"code": staff.code_now()})
        assert client.get(reverse("accounts:profile")).status_code == 200


def test_a_real_installation_has_no_such_routes():
    with pytest.raises(NoReverseMatch):
        reverse("demo:logins")
