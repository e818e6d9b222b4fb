"""Two readers, a third who sees A and B, and a panel: the pages of coordinator and specialists."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from specialists import workflow
from specialists.models import Opinion, Referral
from tests.factories import coordinator, opinion_request_at, revealed, sealed, specialist

pytestmark = pytest.mark.django_db(transaction=True)


def again(row):
    return type(row)._default_manager.get(pk=row.pk)


def called(person, name):
    type(person)._default_manager.filter(pk=person.pk).update(full_name=name)


def asked_and_taken(case, by, *names):
    """One referral for each name, taken."""
    for name in names:
        reader = specialist(case.clinic)
        called(reader.user, name)
        workflow.refer(again(case), to=reader, by=by)
    rows = list(case.referrals.order_by("offered_at"))
    for row in rows:
        workflow.take(again(row), by=row.specialist.user)
    return [again(row) for row in rows]


@pytest.fixture
def case():
    return opinion_request_at("ready")


@pytest.fixture
def staff(case):
    user = coordinator(case.clinic)
    called(user, "Clara Coordinator")
    return user


def url(name, row):
    return reverse(f"specialists:{name}", args=[row.pk])


def see(visitor, name):
    """Both widths; pictures are kept when SCREENSHOTS is set."""
    visitor.look(name)
    visitor.page.reload()  # taking a picture leaves style attributes behind
    return visitor.page


class TestTwoReadersAndAThird:
    def test_they_differ_a_third_is_asked_seals_and_sees_a_and_b(self, visitor, case, staff):
        first, second = asked_and_taken(case, staff, "Ada Alvarez", "Ben Okafor")
        revealed(first)
        sealed(second)
        Opinion.objects.filter(pk=second.pk).update(
            diagnosis="Fibroadenoma", icd10_code="D24.1", reasoning="Smooth edges, no spicules.",
            plan="Look again in six months.",
        )  # fmt: skip
        third = specialist(case.clinic)
        called(third.user, "Cyd Marsh")

        visitor.sign_in(staff).go(url("compare", case))
        page = see(visitor, "several-compare")
        expect(page.get_by_text("They differ", exact=True)).to_be_visible()
        page.locator("label", has_text="Diagnosis").first.click()  # its own box lies off screen
        page.get_by_label("Why does it matter?").fill("It decides about the operation.")
        page.locator("label", has_text="Cyd Marsh").click()
        page.get_by_role("button", name="Ask a further specialist").click()
        expect(page.get_by_text("Dr Cyd Marsh has been asked.")).to_be_visible()

        referral = Referral.objects.get(specialist=third)
        visitor.sign_in(third.user).go(url("referral", referral))
        page = see(visitor, "several-offer")
        for secret in ("Fibroadenoma", "further", "Alvarez", "Okafor"):
            assert secret not in page.locator("main").inner_text()
        workflow.take(referral, by=third.user)
        sealed(again(referral))
        visitor.go(url("seal", referral))
        page = visitor.page
        page.get_by_role("button", name="Open the original diagnosis").click()
        visitor.go(url("others", referral))
        page = see(visitor, "several-others")
        expect(page.get_by_role("heading", name="Opinion A")).to_be_visible()
        expect(page.get_by_role("heading", name="Opinion B")).to_be_visible()
        shown = page.locator("main").inner_text()
        assert "Fibroadenoma" in shown and "Invasive carcinoma" in shown
        assert "Alvarez" not in shown and "Okafor" not in shown


class TestPanel:
    def test_it_is_formed_and_its_lead_answers_for_all(self, visitor, case, staff):
        first, second = asked_and_taken(case, staff, "Ada Alvarez", "Ben Okafor")
        visitor.sign_in(staff).go(url("panel", case))
        page = see(visitor, "several-panel")
        page.locator("label", has_text="Ada Alvarez").click()
        page.get_by_label("Medical oncology", exact=True).fill("2")
        page.get_by_role("button", name="Save the panel").click()
        expect(page.get_by_text("The panel is set.")).to_be_visible()
        revealed(again(first))
        revealed(again(second))
        visitor.sign_in(first.specialist.user).go(url("others", first))
        page = see(visitor, "several-lead")
        expect(page.get_by_role("heading", name="Ben Okafor")).to_be_visible()
        page.get_by_label("joint answer").fill("We agree: remove the lump, keep the breast.")
        page.get_by_role("button", name="Save the joint answer").click()
        expect(page.get_by_text("The joint answer is saved.")).to_be_visible()
        visitor.sign_in(second.specialist.user).go(url("others", second))
        assert "Alvarez" not in page.locator("main").inner_text()  # a member is no lead


class TestMessages:
    def test_a_message_is_withheld_from_a_sealed_reader(self, visitor, case, staff):
        from specialists import conversation

        (reader,) = asked_and_taken(case, staff, "Ada Alvarez")
        conversation.write_to_specialist(reader, text="Mind the left side.", by=staff)
        visitor.sign_in(staff).go(url("specialist_thread", reader))
        page = see(visitor, "several-thread")
        page.get_by_role("button", name="Withhold this message").click()
        expect(page.get_by_text("Withheld. The specialist has not opened it.")).to_be_visible()
        visitor.look()
        visitor.sign_in(reader.specialist.user).go(url("thread", reader))
        assert "left side" not in visitor.page.locator("main").inner_text()
