"""The style guide and the sign-in pages, as a browser shows them."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.factories import coordinator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def in_demo(settings):
    settings.DEMO = True


@pytest.mark.usefixtures("in_demo")
class TestStyleguide:
    @pytest.mark.parametrize("query", ["", "?errors=1", "?wide=1"])
    def test_every_component_keeps_the_promises(self, visitor, query):
        visitor.go(reverse("pages:styleguide") + query).look("styleguide" + query.strip("?=1"))

    def test_after_a_mistake_the_summary_has_the_focus_and_leads_to_the_box(self, visitor):
        page = visitor.go(reverse("pages:styleguide") + "?errors=1").page
        focused = "document.activeElement.id"
        assert page.evaluate(focused) == "error-summary"
        page.click("#error-summary a[href='#id_born_on_month']")
        assert page.evaluate(focused) == "id_born_on_month"

    def test_three_clicks_send_once_and_the_way_back_opens_the_buttons(self, visitor):
        page = visitor.go(reverse("pages:styleguide")).page
        sent = []
        page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
        page.evaluate(
            "() => { const button = document.querySelector('form[data-once] button');"
            " button.click(); button.click(); button.click(); }"
        )
        page.wait_for_url("**/take/")
        assert len(sent) == 1
        page.go_back()
        page.wait_for_selector("form[data-once] button:enabled")
        assert page.locator("form[data-once] button:disabled").count() == 0

    def test_the_count_says_what_is_left_and_what_is_too_many(self, visitor):
        page = visitor.go(reverse("pages:styleguide")).page
        page.fill("#id_story", "x" * 190)
        assert page.inner_text("#id_story_count") == "10 characters left"
        page.fill("#id_story", "x" * 203)
        assert page.inner_text("#id_story_count") == "3 characters too many"

    def test_a_list_is_walked_with_the_keyboard(self, visitor):
        page = visitor.go(reverse("pages:styleguide")).page
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**#SO-2PD-9XA")


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_sign_in_pages(visitor, name):
    visitor.go(reverse(name)).look(name.replace("_", "-"))
    assert visitor.page.locator("main form .usa-input").count() >= 1


class TestAccountMenu:
    @pytest.mark.parametrize("width", [320, 390])
    def test_it_opens_within_a_phone(self, as_user, width):
        page = as_user(coordinator()).go(reverse("requests:queue")).page
        page.set_viewport_size({"width": width, "height": 844})
        page.click(".so-menu > summary")
        box = page.locator(".so-menu__panel").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["width"] > 200
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
