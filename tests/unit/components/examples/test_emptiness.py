"""Why a split has no example, in words."""

import datetime

import pytest
from examples_tables import MONDAY_PERIOD, make_data, row, write_rows

from demandcast.components.examples.emptiness import refuse_empty_splits, split_lines
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.report import Report
from demandcast.components.examples.tables import open_tables
from demandcast.schema.config import (
    BeamConfig,
    ForecastConfig,
    SamplingConfig,
    ValidationConfig,
)
from demandcast.schema.errors import ContractError
from demandcast.schema.series_example import SPLITS


@pytest.fixture
def ingestion(tmp_path):
    def make(sampling=None, **changes):
        data = make_data(write_rows(tmp_path / "s.csv", [row(0)]))
        sections = (ForecastConfig(horizon=7), sampling or SamplingConfig(), BeamConfig())
        return Ingestion(data, *sections, open_tables(data), **changes)

    return make


def report(periods, **examples):
    return Report(
        series=3,
        oldest=MONDAY_PERIOD,
        newest=MONDAY_PERIOD + periods - 1,
        examples=tuple(sorted(examples.items())),
    )


def refusal(made, found, splits=SPLITS):
    with pytest.raises(ContractError) as caught:
        refuse_empty_splits(made, found, splits)
    return str(caught.value)


def test_full_splits_are_not_refused(ingestion):
    refuse_empty_splits(ingestion(), report(60, train=1, validation=1, eval=1), SPLITS)


def test_one_is_one(ingestion):
    message = refusal(ingestion(), report(1, train=1))
    assert message.startswith(
        "no example for validation, eval: the sales table has 1 period, from 2024-01-01 to "
        "2024-01-01, and a split needs a series with 1 recorded period up to its cutoff "
        "(train: 1 example, cutoff 2023-12-11; validation: 0 examples, cutoff 2023-12-18; "
    )


def test_an_end_is_where_the_history_ends(ingestion):
    end = datetime.date(2024, 1, 3)
    message = refusal(ingestion(SamplingConfig(end=end)), report(60, train=0))
    assert "the sales table has 3 periods until sampling.end, from 2024-01-01 to 2024-01-03," in (
        message
    )


def test_an_end_before_the_first_sale_is_named(ingestion):
    end = datetime.date(2023, 12, 31)
    message = refusal(ingestion(SamplingConfig(end=end)), report(60))
    assert message == (
        "sampling.end: 2023-12-31 lies before the first sale; expected 2024-01-01 or later"
    )


def test_many_are_many(ingestion):
    message = refusal(ingestion(SamplingConfig(min_history=5)), report(1200))
    assert "the sales table has 1,200 periods" in message
    assert "5 recorded periods up to its cutoff" in message


@pytest.mark.parametrize(
    ("empty", "remedy"),
    [("validation", "expected a larger"), ("train", "expected a smaller")],
)
def test_too_few_series_to_hold_out(ingestion, empty, remedy):
    rules = ValidationConfig(kind="held_out_series", fraction=0.25)
    counts = {"train": 3, "validation": 3, "eval": 3} | {empty: 0}
    message = refusal(ingestion(SamplingConfig(validation=rules)), report(60, **counts))
    assert message.startswith(
        f"no example for {empty}: sampling.validation.kind held_out_series with a fraction of "
        "0.25 left it none of 3 series ("
    )
    assert message.endswith(
        f"{remedy} sampling.validation.fraction, or sampling.validation.kind: later_cutoffs"
    )


def test_too_short_a_history_with_held_out_series(ingestion):
    rules = ValidationConfig(kind="held_out_series")
    message = refusal(ingestion(SamplingConfig(validation=rules)), report(10, eval=3))
    assert "expected a longer history" in message


@pytest.mark.parametrize(
    ("cutoffs", "words"),
    [
        (3, "eval: 0 examples, cutoff 2024-02-22 and 2024-02-15 and 2024-02-08"),
        (52, "eval: 0 examples, 52 cutoffs from 2024-02-22 back to 2023-03-02"),
    ],
)
def test_long_lists_of_cutoffs_are_shortened(ingestion, cutoffs, words):
    made = ingestion(SamplingConfig(eval_cutoffs=cutoffs))
    assert split_lines(made, report(60))[2] == words


@pytest.mark.parametrize(
    ("cutoff", "words"),
    [
        (
            "2023-12-31",
            "lies before the first sale; expected 2024-01-01 or later, up to 2024-01-10",
        ),
        ("2024-01-11", "lies after the newest sale; expected 2024-01-10 or earlier"),
    ],
)
def test_a_cutoff_outside_the_sales(ingestion, cutoff, words):
    day = (datetime.date.fromisoformat(cutoff) - datetime.date(1970, 1, 1)).days
    message = refusal(ingestion(latest=True, cutoff_day=day), report(10), ("latest",))
    assert message == f"the cutoff {words}; nothing was written"
