"""The page of giveaway words, wide and narrow."""

from __future__ import annotations

import pytest

from tests import factories


@pytest.mark.django_db(transaction=True)
def test_the_list_of_words_is_a_page_for_everybody(visitor):
    visitor.sign_in(factories.coordinator())
    visitor.go("/records/clinic/giveaway-words/?list=breast_cancer")
    visitor.look()
