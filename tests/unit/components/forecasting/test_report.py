"""What a report says about the curves of a training."""

import json

import pytest

from demandcast.components.forecasting.report import TrainingReport

NAN, INF = float("nan"), float("inf")


def report_of(*watched, loss=(1.0,), naive_loss=0.5, out_of_time=False):
    return TrainingReport.from_history(
        {"loss": list(loss), "val_weighted_quantile_loss": list(watched)},
        series=10,
        parameters=5,
        naive_loss=naive_loss,
        out_of_time=out_of_time,
    )


def test_the_best_epoch_is_the_first_with_the_least_validation_loss():
    report = report_of(0.5, 0.3, 0.4, 0.3)
    assert (report.best_epoch, report.validation_loss) == (2, 0.3)


def test_epochs_that_are_not_finite_do_not_count():
    report = report_of(NAN, 0.4, INF)
    assert (report.best_epoch, report.validation_loss) == (2, 0.4)


@pytest.mark.parametrize("watched", [(), (NAN,), (INF, NAN)])
def test_without_a_finite_epoch_there_is_no_best_one(watched):
    report = report_of(*watched)
    assert (report.best_epoch, report.validation_loss) == (None, None)


def test_a_loss_that_became_nan_is_said():
    assert report_of(0.3, loss=(1.0, NAN)).warnings == (
        "the training loss became NaN; training ended there",
    )


@pytest.mark.parametrize(("validation", "warned"), [(0.49, False), (0.5, True), (0.6, True)])
def test_no_better_than_naive_is_said(validation, warned):
    warnings = report_of(validation, naive_loss=0.5).warnings
    assert any("not better than 0.5 of seasonal naive" in warning for warning in warnings) is warned


def test_validation_without_demand_is_said():
    assert report_of(0.0, naive_loss=None).warnings == (
        "the validation split has no demand that counts: nothing was learned from it",
    )


def test_a_good_training_has_no_warnings():
    assert report_of(0.3).warnings == ()


def test_is_written_as_json_even_with_a_loss_that_is_no_number():
    text = report_of(NAN, 0.25, loss=(1.0, 0.5), out_of_time=True).model_dump_json()
    assert json.loads(text) == {
        "curves": {"loss": [1.0, 0.5], "val_weighted_quantile_loss": [None, 0.25]},
        "best_epoch": 2,
        "validation_loss": 0.25,
        "naive_loss": 0.5,
        "series": 10,
        "parameters": 5,
        "out_of_time": True,
        "warnings": [],
        "settings": None,
    }
