"""Public pages and errors, through the HTTP client."""

import html
import re

import pytest
import textstat
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from secondop.pages.errors import server_error, unavailable
from tests import factories

PUBLIC = ["home", "how", "limits", "privacy", "accessibility"]


def text_of(response):
    """The words of the main part, a full stop after each block so that headings count."""
    main = re.search(r"<main.*?</main>", response.content.decode(), re.S).group()
    main = re.sub(r"</(p|li|h\d|a)>", ". ", main)
    words = html.unescape(re.sub(r"<[^>]+>", " ", main))
    return re.sub(r"([.?!:])\s*\.", r"\1", re.sub(r"\s+", " ", words))


@pytest.mark.django_db
class TestPublicPages:
    @pytest.mark.parametrize("name", PUBLIC)
    def test_it_opens_for_a_stranger_and_names_the_emergency_number(self, client, name):
        response = client.get(reverse(f"pages:{name}"))
        assert response.status_code == 200
        assert "If this is an emergency, call 911" in response.content.decode()

    @pytest.mark.parametrize("name", PUBLIC)
    def test_it_reads_at_grade_8_or_easier(self, client, name):
        grade = textstat.automated_readability_index(text_of(client.get(reverse(f"pages:{name}"))))
        assert grade <= 8, f"{name} reads at grade {grade}"

    @pytest.mark.parametrize("name", PUBLIC)
    def test_it_has_no_inline_script_or_style(self, client, name):
        page = client.get(reverse(f"pages:{name}")).content.decode()
        assert re.search(r"<script(?![^>]*\bsrc=)", page) is None
        assert re.search(r"<style|\sstyle=|\son\w+=", page) is None

    def test_the_language_button_changes_the_language_and_comes_back(self, client):
        response = client.post(
            reverse("pages:language"), {"language": "es", "next": reverse("pages:how")}
        )
        assert response.url == reverse("pages:how")
        assert '<html lang="es">' in client.get(response.url).content.decode()

    def test_who_is_signed_in_keeps_the_language(self):
        user, client = factories.UserFactory(language="en"), Client()
        client.force_login(user)
        for chosen, kept in (("xx", "en"), ("es", "es")):
            client.post(reverse("pages:language"), {"language": chosen})
            user.refresh_from_db()
            assert user.language == kept

    def test_the_language_button_leads_nowhere_else(self, client):
        response = client.post(
            reverse("pages:language"), {"language": "es", "next": "https://elsewhere.example/"}
        )
        assert response.url == "/"


@pytest.mark.django_db
class TestStyleguide:
    @override_settings(DEMO=True)
    def test_it_shows_the_form_with_and_without_mistakes(self, client):
        assert 'id="error-summary"' not in client.get("/styleguide/").content.decode()
        page = client.get("/styleguide/?errors=1").content.decode()
        assert "Day must be between 1 and 30 for June." in page
        assert "<title>Problem: Style guide" in page

    @override_settings(DEMO=False, DEBUG=False)
    def test_it_is_not_there_in_a_clinic(self, client):
        assert client.get("/styleguide/").status_code == 404


@pytest.mark.django_db
class TestErrors:
    def test_a_missing_page_says_what_to_do(self, client):
        response = client.get("/no/such/page/")
        assert response.status_code == 404
        assert "Go to the start page" in response.content.decode()

    def test_a_part_gets_a_sentence_and_not_a_page(self, client):
        response = client.get("/no/such/page/", headers={"HX-Request": "true"})
        assert response.status_code == 404
        assert response["HX-Retarget"] == "#messages"
        assert "<html" not in response.content.decode()

    def test_a_script_gets_the_sentence_as_json(self, client):
        response = client.get("/no/such/page/", headers={"Accept": "application/json"})
        assert response.status_code == 404
        assert set(response.json()) == {"message"}

    def test_an_old_form_is_refused_with_a_sentence(self):
        response = Client(enforce_csrf_checks=True).post(
            reverse("pages:language"), {"language": "es"}
        )
        assert response.status_code == 403
        assert "This form is too old to be sent." in response.content.decode()

    def test_the_way_back_is_never_to_another_site(self, client):
        for referer, shown in (
            ("http://testserver/limits/", True),
            ("https://elsewhere.example/", False),
        ):
            page = client.get("/no/such/page/", headers={"Referer": referer}).content.decode()
            assert (f'href="{referer}"' in page) is shown

    def test_our_own_fault_needs_no_database(self, rf, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert server_error(rf.get("/")).status_code == 500
            response = unavailable(rf.get("/"))
        assert (response.status_code, response["Retry-After"]) == (503, "60")


@pytest.mark.django_db
class TestHealth:
    def test_alive_asks_nothing(self, client, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert client.get("/livez").content == b"ok"

    def test_ready_when_everything_answers(self, client):
        response = client.get("/readyz")
        assert response.json() == {"database": "ok", "cache": "ok", "storage": "ok"}
        assert response.status_code == 200

    def test_not_ready_names_what_failed_without_details(self, client, tmp_path):
        gone = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            }
        }
        with override_settings(CACHES=gone):
            response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["cache"] == "failed"
        assert "127.0.0.1" not in response.content.decode()
        cache.clear()
