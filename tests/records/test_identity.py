"""The wrong-patient guard: what it tolerates, and what it never lets pass without a person."""

from datetime import date

import pytest

from records.identity import Person, compare, date_of, person_of_dicom, words_of

BORN = date(1957, 3, 14)
MARIA = Person("María José García López", BORN, "female")


def told(name, born=BORN, sex="", numbers=()):
    return Person(name, born, sex, frozenset(numbers))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("María José García López", "name_same"),
        ("GARCIA LOPEZ^MARIA JOSE", "name_order"),
        ("Garcia Lopez, Maria Jose", "name_order"),
        ("GARCIA^MARIA", "name_part"),
        ("Sra. Maria de la García", "name_part"),
        ("M. J. García López", "name_part"),
        ("Garcia Lopes^Maria Josef", "name_spelling"),
        ("GARCIA LOPEZ^MARIA JOSE^^DR=漢字^漢字=", "name_order"),
    ],
)
def test_the_same_person_written_otherwise(name, reason):
    found = compare(told(name), MARIA)
    assert (found.verdict, found.reasons[0]) == ("same", reason)
    assert found.score >= 90


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller^Jürgen", "Jurgen Mueller"),
        ("Sjögren, Åsa", "Asa Sjogren"),
        ("O'Brien^Sean", "Seán OBrien"),
        ("Łukasz Wójcik", "WOJCIK^LUKASZ"),
        ("Strauß^Anna", "Anna Strauss"),
        ("Smith-Jones^Ann", "Ann Smith Jones"),
    ],
)
def test_accents_and_marks_do_not_matter(one, other):
    assert sorted(words_of(one)) == sorted(words_of(other))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (told("Becker^Anna"), "name_family_differs"),  # a married name, or somebody else
        (told("Meier^Thomas"), "name_given_differs"),  # a brother born on the same day: a twin
        (told("Meier^Anna", date(1957, 3, 15)), "born_close"),
        (told("Meier^Anna", None), "born_unknown"),  # a name alone is not enough
        (told("", BORN), "name_unknown"),  # nor is a date
        (told("Anonymous", BORN), "name_unknown"),
        (told("Meier^Anna", date(1980, 1, 1)), "born_differs"),
    ],
)
def test_what_a_person_must_decide(record, reason):
    found = compare(record, Person("Anna Meier", BORN, "female"))
    assert found.verdict == "unsure"
    assert reason in found.reasons


@pytest.mark.parametrize(
    "record",
    [
        told("Schmidt^Karl", date(1980, 1, 1)),
        told("Schmidt^Karl", date(1980, 1, 1), "male"),
        told("Schmidt^Karl", None),
        told("Schmidt^Karl", BORN, "male"),  # the date alone agrees, name and sex do not
    ],
)
def test_a_stranger_is_called_one(record):
    found = compare(record, Person("Anna Meier", BORN, "female"))
    assert found.verdict == "different"
    assert "name_differs" in found.reasons


def test_day_and_month_the_other_way_round_are_forgiven():
    found = compare(told("Meier^Anna", date(1957, 4, 3)), Person("Anna Meier", date(1957, 3, 4)))
    assert found.verdict == "same"
    assert "born_swapped" in found.reasons


def test_another_sex_makes_a_person_look():
    found = compare(told("Meier^Kim", BORN, "M"), Person("Kim Meier", BORN, "female"))
    assert found.reasons[-1] == "sex_differs"
    assert found.score == 75
    assert compare(told("Meier^K", BORN, "M"), Person("Kim Meier", BORN, "female")).score < 75


def test_a_hospitals_number_helps_and_never_overrules_a_contradiction():
    patient = Person("Anna Meier", BORN, "female", frozenset(["4711"]))
    assert compare(told("Meier^Anna", None, numbers=["4711"]), patient).verdict == "same"
    other = told("Schmidt^Karl", date(1980, 1, 1), numbers=["4711"])
    assert compare(other, patient).verdict != "same"


def test_a_record_that_says_nothing_is_named_so():
    assert compare(Person(), MARIA).verdict == "unnamed"
    assert compare(told("REMOVED", None), MARIA).verdict == "unnamed"


def test_it_does_not_matter_which_side_is_shorter():
    long, short = Person("Ana María Ruiz Soto", BORN), Person("Ana Ruiz", BORN)
    assert compare(long, short).score == compare(short, long).score == 98


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19570314", BORN),
        ("1957-03-14", BORN),
        ("1957-03-14T10:00:00+01:00", BORN),
        ("195703", None),
        ("19571399", None),
        ("", None),
        ("unknown", None),
    ],
)
def test_dates_as_the_formats_write_them(text, expected):
    assert date_of(text) == expected


def test_what_images_say():
    person = person_of_dicom({"name": "Meier^Anna", "born": "19570314", "id": " 4711 "})
    assert person == Person("Meier^Anna", BORN, "", frozenset(["4711"]))
