"""Rules of transactions, and what may stand beside them."""

import pytest
from configurations import parse

from demandcast.schema.config import TransactionsConfig
from demandcast.schema.errors import ConfigurationError

KEY = "data.transactions"


def rules(**values):
    return parse(**{KEY: values}).data.transactions


def test_defaults_are_pinned():
    assert rules().model_dump(mode="json") == {
        "timestamp_format": None,
        "recorded_time_zone": None,
        "time_zone": None,
        "missing": "error",
        "exclude": [],
        "positive": [],
        "repeated_lines": "keep",
        "line_columns": [],
        "cancelled": None,
        "pairs": None,
        "returns": "ignore",
        "last_period": "keep",
    }
    assert rules(pairs={}).pairs.model_dump() == {"columns": (), "within_days": 1.0}


def test_no_line_is_no_sale_unless_told_otherwise():
    assert parse().data.missing_period == "unknown"
    assert parse(**{KEY: {}}).data.missing_period == "zero"
    told = parse(**{KEY: {}, "data.missing_period": "unknown"})
    assert told.data.missing_period == "unknown"


def test_columns_that_rules_read():
    config = TransactionsConfig.model_validate(
        {
            "exclude": [{"name": "x", "column": "code", "matches": "x"}],
            "positive": ["price"],
            "cancelled": {"column": "invoice", "matches": "^C"},
            "pairs": {"columns": ["customer", "price"]},
        }
    )
    assert config.rule_columns == ("code", "price", "invoice", "customer")


@pytest.mark.parametrize(
    ("values", "needs"),
    [
        ({}, False),
        ({"returns": "net"}, False),
        ({"repeated_lines": "drop"}, True),
        ({"pairs": {}}, True),
    ],
)
def test_which_rules_compare_lines(values, needs):
    assert rules(**values).needs_lines is needs


@pytest.mark.parametrize("pattern", ["(?=a)", "[", "(a)\\1"])
def test_patterns_that_cannot_be_searched_for_are_refused(pattern):
    for values in (
        {"cancelled": {"column": "c", "matches": pattern}},
        {"exclude": [{"name": "x", "column": "c", "unless": pattern}]},
    ):
        with pytest.raises(ConfigurationError, match="allowed: a regular expression without"):
            rules(**values)


@pytest.mark.parametrize("both", [{}, {"matches": "a", "unless": "b"}])
def test_an_exclusion_has_one_pattern(both):
    with pytest.raises(ConfigurationError, match="'x': give one of matches and unless"):
        rules(exclude=[{"name": "x", "column": "c", **both}])


def test_exclusions_have_names_of_their_own():
    rule = {"name": "x", "column": "c", "matches": "a"}
    with pytest.raises(ConfigurationError, match=r"got twice: \['x'\]"):
        rules(exclude=[rule, rule])


@pytest.mark.parametrize("key", ["time_zone", "recorded_time_zone"])
def test_zones_have_known_names(key):
    assert getattr(rules(**{key: "Europe/London"}), key) == "Europe/London"
    with pytest.raises(ConfigurationError, match=f"{key}.*got 'GMT\\+25'; allowed: names such"):
        rules(**{key: "GMT+25"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.duplicates", "sum"),
        ("data.negative_target", "clip"),
        ("data.columns.availability", {"column": "stock"}),
        ("data.columns.observed_past", {"categorical": ["weather"]}),
    ],
)
def test_rules_of_periods_do_not_stand_beside_those_of_lines(key, value):
    with pytest.raises(ConfigurationError, match=r"data\.transactions: got \['data\."):
        parse(**{KEY: {}, key: value})


def test_empty_periods_are_those_that_are_filled():
    assert parse(**{KEY: {}, "data.empty_period": "unknown"}).data.empty_period == "unknown"
    with pytest.raises(ConfigurationError, match="allowed: with missing_period: zero"):
        parse(**{"data.empty_period": "unknown"})
