from demandcast.components.reporting.comparison import changed_values, metric_changes
from demandcast.components.reporting.page import Change, MetricChange


def test_equal_values_are_no_change():
    values = {"a": {"b": [1, 2]}, "c": None, "d": {}}
    assert changed_values(values, values) == ()


def test_each_key_is_named_with_both_values():
    before = {"training.epochs": 5, "gate.slices": [], "gone": 1}
    after = {"training.epochs": 9, "gate.slices": ["a", "b"], "new": None}
    assert changed_values(before, after) == (
        Change("training.epochs", "5", "9"),
        Change("gate.slices", "[]", "[a, b]"),
        Change("new", None, "null"),
        Change("gone", "1", None),
    )


def test_long_values_are_cut():
    (change,) = changed_values({}, {"a": "x" * 1000})
    assert change.after == "x" * 160 + " …"


def test_metrics_are_those_that_people_read_in_their_order():
    before = {"wape": 0.5, "weighted_quantile_loss": 0.2, "periods": 9.0}
    assert metric_changes(before, {"wape": None}) == (
        MetricChange("weighted_quantile_loss", 0.2, None),
        MetricChange("wape", 0.5, None),
    )
    assert metric_changes({}, {}) == ()
