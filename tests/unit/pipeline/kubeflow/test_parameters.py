"""What a run may change, and where its values go."""

import json

import pytest
from configurations import parse

from demandcast.pipeline.kubeflow.parameters import PARAMETERS, parameters_of, take_parameters


def defaults(**changes):
    return {parameter.name: value for parameter, value in parameters_of(parse(**changes)).items()}


def test_defaults_are_what_the_configuration_says():
    values = defaults(
        **{
            "data.sales": "gs://b/{snapshot}/s.csv",
            "data.snapshot": "2026-11-20",
            "training.epochs": 7,
            "gate.floors.wape_skill": 0.1,
            "gate.floors.max_absolute_bias": None,
            "push.serving_directory": "gs://b/serving",
        }
    )
    assert list(values) == [
        *("data_snapshot", "training_epochs", "gate_thresholds", "serving_directory")
    ]
    assert values["data_snapshot"] == "2026-11-20"
    assert values["training_epochs"] == 7
    assert values["serving_directory"] == "gs://b/serving"
    assert set(values["gate_thresholds"]) == {"floors", "change"}
    floors = values["gate_thresholds"]["floors"]
    assert floors["wape_skill"] == 0.1
    # No limit stays none: JSON of protobuf has no null for a number.
    assert "max_absolute_bias" not in floors


def test_without_snapshots_there_is_no_parameter_for_them():
    assert "data_snapshot" not in defaults()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"data": '{"sales": "s", "snapshot": "1"}', "data_snapshot": "2"},
            {"data": {"sales": "s", "snapshot": "2"}},
        ),
        (
            {"gate": '{"floors": {"a": 1, "b": null}, "slices": []}', "gate_thresholds": {}},
            {"gate": {"floors": {"a": 1, "b": None}, "slices": []}},
        ),
        (
            {
                "gate": '{"floors": {"a": 1, "b": null}, "slices": ["x"]}',
                "gate_thresholds": {"floors": {"a": 2.5}},
            },
            {"gate": {"floors": {"a": 2.5, "b": None}, "slices": ["x"]}},
        ),
    ],
)
def test_values_go_into_the_properties_that_they_change(given, expected):
    taken = take_parameters(given)
    assert {name: json.loads(value) for name, value in taken.items()} == expected


def test_epochs_are_a_whole_number_in_json_within_json():
    custom = {"training": json.dumps({"epochs": 20, "seed": 17}), "series": "{}"}
    taken = take_parameters({"custom_config": json.dumps(custom), "training_epochs": 3.0})
    assert list(taken) == ["custom_config"]
    training = json.loads(taken["custom_config"])["training"]
    assert training == json.dumps({"epochs": 3, "seed": 17})


def test_a_parameter_that_is_a_property_itself_is_left_alone():
    assert take_parameters({"serving_directory": "gs://b"}) == {"serving_directory": "gs://b"}


def test_properties_without_parameters_are_what_they_were():
    given = {"data": "{}", "beam": '{"args": []}', "fingerprint": ""}
    assert take_parameters(given) == given
    assert take_parameters({}) == {}


def test_each_has_its_own_name_and_says_what_it_does():
    names = [parameter.name for parameter in PARAMETERS]
    assert len(set(names)) == len(names)
    assert all(parameter.description.endswith(".") for parameter in PARAMETERS)
