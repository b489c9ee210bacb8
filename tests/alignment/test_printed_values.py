"""Dates, amounts and codes: found in text, and written in the form of past answers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.alignment.compiled.forms import DATE_FORMS, PRINTED, fitting, forms_for, written
from breakeven.alignment.compiled.printed import amounts, codes, dates, readings
from breakeven.alignment.compiled.wording import agrees, answer_text

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
hundredths = st.integers(0, 10**9)


@given(days, st.sampled_from([form for form in DATE_FORMS[1:] if form.startswith("dmy")]))
def test_a_date_written_in_any_form_is_found_and_read_again(day: date, form: str) -> None:
    """Whatever the form a day is written in, it is found whole in a sentence, and one of its readings is that day."""
    text = str(written("date", form, f"{day.day:02}/{day.month:02}/{day.year}"))
    spans = dates(f"Dated {text}, by post")
    assert [span.text.strip() for span in spans] == [text]
    assert day in {reading if "YYYY" in form else reading.replace(year=day.year) for reading in readings(text).values()}


@given(days, st.sampled_from(DATE_FORMS[1:]))
def test_the_form_of_past_answers_is_recognised(day: date, form: str) -> None:
    """The form that wrote an answer is among those that fit it."""
    order, _, _ = form.partition(" to ")
    printed = {"dmy": "{0.day}.{0.month}.{0.year}", "mdy": "{0.month}/{0.day}/{0.year}", "ymd": "{0.year}-{0.month}-{0.day}"}[order]
    text = printed.format(day)
    assert form in fitting("date", text, written("date", form, text))


@given(hundredths, st.sampled_from(["{:,.2f}", "USD {:,.2f}", "€{:.2f}", "{:,.2f} €", "RM{:.2f}"]))
def test_an_amount_is_found_and_worth_what_it_says(amount: int, style: str) -> None:
    """An amount with its currency is one find, worth its hundredths; written as a number it agrees with the number."""
    text = style.format(amount / 100)
    (span,) = amounts(f"Total: {text}")
    assert int(span.worth) == amount
    assert agrees(written("amount", "number", span.text), amount / 100)
    assert written("amount", "plain number", span.text) == f"{amount // 100}.{amount % 100:02}"


@pytest.mark.parametrize(
    ("text", "found"), [("GST 6.00%", []), ("1.234,50", ["123450"]), ("- none -", []), ("-5.00 and 1 200.00", ["-500", "120000"])]
)
def test_what_is_an_amount(text: str, found: list[str]) -> None:
    """A percentage is no amount, either mark may part the decimals, signs count, and letters alone are nothing."""
    assert [span.worth for span in amounts(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "26t h day of May, 2017",
        "the 15 th day of May 2017",
        "15th, May, 2017",
        "May 15 , 2017",
        "May 15t h, 2017",
        "1st day of --- May, 2017",
    ],
)
def test_a_long_date_is_found_however_a_converted_text_parts_it(text: str) -> None:
    """Ordinals whose ending was parted from the number or in two, and stray spaces, commas and dashes, do not hide a date."""
    (span,) = dates(f"made as of {text}, by and between")
    day = readings(span.text)["dmy"]
    assert (day.month, day.year) == (5, 2017)
    assert str(day.day) in text


def test_days_that_do_not_exist_have_no_reading() -> None:
    """31/02/2024 is printed like a date and means no day; 05/04/24 may mean two."""
    assert readings("31/02/2024") == {}
    assert readings("05/04/24") == {"dmy": date(2024, 4, 5), "mdy": date(2024, 5, 4)}
    assert written("date", "dmy to YYYY-MM-DD", "31/02/2024") is None


def test_codes_are_runs_with_a_digit() -> None:
    """Numbers of invoices are found with their letters; words without digits are not codes."""
    assert [span.text for span in codes("Invoice INV-2024/17 of ACME, room 12")] == ["INV-2024/17", "12"]
    assert codes("no digits here") == []
    assert [written("code", form, "A 12") for form in forms_for("code")] == ["A 12", "A12", None]
    assert written("code", "number", "0042") is None
    assert written("code", "number", "42") == 42


@given(st.text(st.characters(max_codepoint=127)))
def test_wording_ignores_case_spacing_and_punctuation(text: str) -> None:
    """Two answers agree when only case, spacing and punctuation part them."""
    assert agrees(text, f" {text.swapcase()}. ")
    assert agrees(text, "".join(f"{char} " for char in text))


def test_numbers_agree_by_worth_and_nothing_agrees_with_nothing() -> None:
    """12.5 agrees with the text 12.50 and not with 125; true and None are answers of their own."""
    assert agrees(12.5, "12.50")
    assert not agrees(12.5, "125")
    assert not agrees(12.5, "twelve")
    assert agrees(None, "")
    assert (answer_text(True), answer_text(False), answer_text(None)) == ("true", "false", "")
    assert written("amount", "number", "no number") is None
    assert fitting("amount", "$9.00", "9.00") == [PRINTED, "without currency", "plain number"]
