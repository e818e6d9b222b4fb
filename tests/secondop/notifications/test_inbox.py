"""The inbox: own messages only, newest first, read once."""

import pytest
from django.urls import reverse

from secondop.notifications.models import Notification
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def tell(user, number=1, **fields):
    defaults = {"message": "report_ready", "path": "/requests/", "reference": "SO-1"}
    return [Notification.objects.create(to=user, **(defaults | fields)) for _n in range(number)]


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


class TestInbox:
    def test_it_shows_own_messages_in_words_without_health_data(self, client, user):
        tell(user)
        tell(UserFactory(), reference="SO-OTHER")
        page = client.get(reverse("notifications:inbox")).content.decode()
        assert "Your report is ready" in page and "SO-1" in page and "SO-OTHER" not in page

    def test_empty_says_so(self, client, user):
        assert b"No messages yet" in client.get(reverse("notifications:inbox")).content

    def test_every_message_is_on_exactly_one_page_newest_first(self, client, user):
        tell(user, 60)
        seen, url = [], reverse("notifications:inbox")
        while url:
            page = client.get(url)
            seen += [row.pk for row, _words in page.context["items"]]
            after = page.context["next_url"]
            url = reverse("notifications:inbox") + after if after else ""
        expected = Notification.objects.order_by("-created_at", "-id").values_list("pk", flat=True)
        assert seen == list(expected)

    def test_one_can_page_back(self, client, user):
        tell(user, 60)
        url = reverse("notifications:inbox")
        first = client.get(url)
        second = client.get(url + first.context["next_url"])
        back = client.get(url + second.context["previous_url"])
        assert back.context["items"] == first.context["items"]

    def test_a_broken_cursor_is_the_first_page(self, client, user):
        tell(user)
        assert client.get(reverse("notifications:inbox"), {"cursor": "%%%"}).status_code == 200

    def test_the_number_of_queries_is_fixed(self, client, user, django_assert_max_num_queries):
        tell(user)
        url = reverse("notifications:inbox")
        client.get(url)
        with django_assert_max_num_queries(9) as few:
            client.get(url)
        tell(user, 50)
        with django_assert_max_num_queries(len(few)):
            client.get(url)


class TestOpen:
    def test_it_marks_as_read_and_goes_on(self, client, user):
        (row,) = tell(user)
        url = reverse("notifications:open", args=[row.pk])
        assert client.post(url).url == "/requests/"
        row.refresh_from_db()
        first = row.read_at
        assert first
        client.post(url)
        row.refresh_from_db()
        assert row.read_at == first

    def test_it_refuses_a_strangers_message(self, client, user):
        (row,) = tell(UserFactory())
        assert client.post(reverse("notifications:open", args=[row.pk])).status_code == 404
        row.refresh_from_db()
        assert row.read_at is None

    def test_it_never_leaves_the_site(self, client, user):
        (row,) = tell(user, path="//evil.example/")
        answer = client.post(reverse("notifications:open", args=[row.pk]))
        assert answer.url == reverse("notifications:inbox")


class TestReadAll:
    def test_it_reads_all_of_this_person_and_nobody_elses(self, client, user):
        tell(user, 3)
        (other,) = tell(UserFactory())
        client.post(reverse("notifications:read_all"))
        assert not Notification.objects.filter(to=user).unread().exists()
        other.refresh_from_db()
        assert other.read_at is None
