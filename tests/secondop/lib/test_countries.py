"""The list of countries, in the reader's language and alphabet."""

from django.utils import translation

from secondop.lib.countries import countries


def test_every_country_has_a_name_in_both_languages_in_order():
    with translation.override("en"):
        english = dict(countries())
    with translation.override("es"):
        spanish = dict(countries())
    assert len(english) > 200
    assert set(english) == set(spanish)
    assert (english["DE"], spanish["DE"]) == ("Germany", "Alemania")
    assert (english["US"], spanish["US"], spanish["AR"]) == (
        "United States", "Estados Unidos", "Argentina",
    )  # fmt: skip
    names = list(spanish.values())
    assert names[:3] == ["Afganistán", "Albania", "Alemania"]
    assert len(set(names)) == len(names)
