"""When a model in service is a measure for a new one; the Evaluator's tests have the rest."""

import json

import pytest
from evaluation_models import make_series, save_model
from tfx.utils import path_utils

from demandcast.components.evaluation.comparable import not_comparable, seen_in_training
from demandcast.schema.model_series import MODEL_SERIES_FILE
from demandcast.schema.model_training import MODEL_TRAINING_FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path):
    """Makes the folder of a toy model."""

    def make(name, horizon=7, **assets):
        folder = path_utils.serving_model_path(save_model(tmp_path / name, horizon=horizon).uri)
        for file, text in assets.items():
            place = tmp_path / name / "Format-Serving" / file.replace("__", "/")
            place.parent.mkdir(exist_ok=True)
            place.write_text(text)
        return folder

    return make


def examples(tmp_path):
    """The folder of examples that are judged from 31 May on."""
    summary = {"splits": {"eval": {"cutoffs": ["2024-05-31"]}}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    return str(tmp_path)


def test_models_of_the_same_kind_are_compared(model, tmp_path):
    one, other = model("one"), model("other")
    assert not_comparable(examples(tmp_path), in_service=one, candidate=other) is None


def test_other_shapes_are_not(model, tmp_path):
    why = not_comparable(str(tmp_path), in_service=model("one", horizon=8), candidate=model("two"))
    assert why.startswith("the model in service answers {'mean': [8], ")


def test_other_data_is_not_whatever_the_shapes(model, tmp_path):
    specs = [make_series(7), make_series(7).model_copy(update={"series_key": ("store",)})]
    one, other = (
        model(str(at), **{MODEL_SERIES_FILE: spec.model_dump_json()})
        for at, spec in enumerate(specs)
    )
    why = not_comparable(str(tmp_path), in_service=one, candidate=other)
    assert why.startswith("another kind of model is in service (")


def test_what_has_seen_the_sales_is_no_measure(model, tmp_path):
    seen = {MODEL_TRAINING_FILE: json.dumps({"seen_until": "2024-06-01"})}
    one, other = model("one", **seen), model("other")
    folder = examples(tmp_path)
    why = not_comparable(folder, in_service=one, candidate=other)
    assert why.startswith("the model in service is no measure (it has seen sales until 2024-06-01")
    assert not_comparable(folder, in_service=other, candidate=one) is None
    assert seen_in_training(folder, other) is None
