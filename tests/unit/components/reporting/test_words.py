import math

import pytest

from demandcast.components.reporting import words

DASH = "\N{EM DASH}"


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "write", [words.number, words.percent, words.signed_percent, words.count, words.duration]
)
def test_what_is_missing_is_a_dash(write, value):
    assert write(value) == DASH


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.500"),
        (-0.02, "-0.020"),
        (0.00001, "1e-05"),
        (8.0, "8.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (999.4, "999"),
        (999.9, "1,000"),
        (1e15, "1,000,000,000,000,000"),
        (-4321, "-4,321"),
        (-0.0, "0"),
    ],
)
def test_numbers_keep_three_digits(value, text):
    assert plain(words.number(value)) == text


@pytest.mark.parametrize(("value", "text"), [(0.1, "+10.0 %"), (-0.1, "-10.0 %"), (0, "0.0 %")])
def test_a_signed_share_says_its_sign(value, text):
    assert plain(words.signed_percent(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599.9, "1 h 00 min"), (90_000, "25 h 00 min")],
)
def test_durations_never_say_sixty(seconds, text):
    assert plain(words.duration(seconds)) == text


def test_every_title_is_told_apart():
    titles = list(words.METRIC_TITLES.values())
    assert len(set(titles)) == len(titles)


def test_nothing_is_listed_as_nothing():
    assert words.listed([]) == ""


@pytest.mark.parametrize("value", [-0.0, -0.0004, 0.0004])
def test_a_share_that_is_shown_as_zero_has_no_sign(value):
    assert plain(words.percent(value)) == "0.0 %"
    assert plain(words.signed_percent(value)) == "0.0 %"
    assert plain(words.signed_percent(value, 2)) in ("0.00 %", "-0.04 %", "+0.04 %")
