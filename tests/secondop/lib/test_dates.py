"""Dates as people type them."""

import datetime

import pytest
from django.utils import translation

from secondop.lib.dates import WrongDateError, read_date


class TestReadDate:
    @pytest.mark.parametrize("month", ["6", "06", " 6 ", "June", "june", "jun", "Jun."])
    def test_it_takes_the_month_as_number_or_name(self, month):
        assert read_date(year="1968", month=month, day="12") == datetime.date(1968, 6, 12)

    def test_it_knows_the_names_of_the_readers_language(self):
        with translation.override("es"):
            assert read_date(year="1968", month="Agosto", day="3").month == 8

    @pytest.mark.parametrize(
        ("parts", "part", "sentence"),
        [
            (("", "12", "1968"), "month", "Enter the month."),
            (("6", "", "1968"), "day", "Enter the day."),
            (("6", "12", " "), "year", "Enter the year."),
            (("13", "12", "1968"), "month", "Month must be a number from 1 to 12, or its name."),
            (("ju", "12", "1968"), "month", "Month must be a number from 1 to 12, or its name."),
            (("6", "31", "1968"), "day", "Day must be between 1 and 30 for June."),
            (("6", "0", "1968"), "day", "Day must be between 1 and 30 for June."),
            (("2", "29", "2025"), "day", "Day must be between 1 and 28 for February 2025."),
            (("2", "30", "2024"), "day", "Day must be between 1 and 29 for February 2024."),
            (("6", "1_0", "1968"), "day", "Day must be between 1 and 30 for June."),
            (("6", "12", "68"), "year", "Year must have 4 digits, for example 1968."),
            (("6", "12", "0000"), "year", "Year must have 4 digits, for example 1968."),
            (("6", "12", "١٩٦٨"), "year", "Year must have 4 digits, for example 1968."),
        ],
    )
    def test_it_says_which_part_is_wrong_and_what_would_be_right(self, parts, part, sentence):
        month, day, year = parts
        with pytest.raises(WrongDateError) as wrong:
            read_date(year=year, month=month, day=day)
        assert (wrong.value.part, wrong.value.sentence) == (part, sentence)
