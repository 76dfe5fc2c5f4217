"""What the launcher hands over, and what it wants back."""

import copy

import pytest

from demandcast.pipeline.kubeflow.executor_input import (
    is_vertex,
    localised,
    output_places,
    returned,
)

SCHEMA = {"instanceSchema": "title: tfx.Examples\n"}
SPEC = {"artifacts": {"examples": {"artifactType": SCHEMA}}}


def message(scheme="minio://", input_type=None):
    return {
        "inputs": {
            "parameterValues": {"data": '{"snapshot": "1"}', "data_snapshot": "2"},
            "artifacts": {
                "examples": {
                    "artifacts": [
                        {
                            "name": "7",
                            "uri": f"{scheme}b/run/examples",
                            "type": input_type or {"instanceSchema": ""},
                            "metadata": {
                                "rows": 3.0,
                                "display_name": "examples",
                                "store_session_info": "{}",
                            },
                        }
                    ]
                }
            },
        },
        "outputs": {
            "artifacts": {
                "model": {"artifacts": [{"uri": f"{scheme}b/run/model", "type": SCHEMA}]},
                "executor-logs": {
                    "artifacts": [
                        {"uri": f"{scheme}b/run/logs", "type": {"schemaTitle": "system.Artifact"}}
                    ]
                },
            },
            "outputFile": "/minio/b/run/output_metadata.json",
        },
    }


def only(part, name):
    (artifact,) = part["artifacts"][name]["artifacts"]
    return artifact


def test_b4_the_output_for_the_logs_is_not_told_to_tfx():
    given = message()
    fit = localised(given, SPEC).message
    assert set(fit["outputs"]["artifacts"]) == {"model"}
    assert "executor-logs" in given["outputs"]["artifacts"]


@pytest.mark.parametrize(
    ("scheme", "folder"), [("minio://", "/minio/"), ("gs://", "/gcs/"), ("s3://", "/s3/")]
)
def test_b5_uris_become_the_paths_of_the_launcher(scheme, folder):
    fit = localised(message(scheme), SPEC, root="/pod")
    assert only(fit.message["inputs"], "examples")["uri"] == f"/pod{folder}b/run/examples"
    assert only(fit.message["outputs"], "model")["uri"] == f"/pod{folder}b/run/model"
    assert fit.remote == {
        f"/pod{folder}b/run/examples": f"{scheme}b/run/examples",
        f"/pod{folder}b/run/model": f"{scheme}b/run/model",
    }


def test_b5_other_uris_stay():
    fit = localised(message("/data/"), SPEC)
    assert only(fit.message["outputs"], "model")["uri"] == "/data/b/run/model"
    assert fit.remote == {}


def test_shared_storage_stays_where_it_is():
    fit = localised(message("gs://"), SPEC, shared=("gs://",))
    assert only(fit.message["outputs"], "model")["uri"] == "gs://b/run/model"
    assert fit.remote == {}


@pytest.mark.parametrize("kind", [{"instanceSchema": ""}, {"schemaTitle": "title: x\ntype: y"}])
def test_b6_inputs_get_the_type_that_was_compiled(kind):
    fit = localised(message(input_type=kind), SPEC).message
    assert only(fit["inputs"], "examples")["type"] == SCHEMA


def test_the_bookkeeping_of_kfp_is_no_property():
    fit = localised(message(), SPEC).message
    assert only(fit["inputs"], "examples")["metadata"] == {"rows": 3.0}


def test_parameters_of_the_run_are_in_their_places():
    fit = localised(message(), SPEC).message
    assert fit["inputs"]["parameterValues"] == {"data": '{"snapshot": "2"}'}


def test_the_message_stays_as_it_was():
    given = message()
    before = copy.deepcopy(given)
    localised(given, SPEC)
    assert given == before


def test_a_task_without_inputs_and_outputs_is_one_too():
    assert localised({}, {}).message == {"inputs": {"parameterValues": {}}, "outputs": {}}
    assert output_places({}) == ()


def test_uris_and_properties_come_back_as_those_of_the_store_without_nulls():
    remote = {"/minio/b/model": "minio://b/model", "/minio/b/in": "minio://b/in"}
    output = {
        "artifacts": {
            "model": {
                "artifacts": [
                    {
                        "uri": "/minio/b/model",
                        "metadata": {"current_model": "/minio/b/in", "rows": 3, "none": None},
                    }
                ]
            }
        },
        "parameterValues": {"value": 1},
    }
    result = returned(output, remote)
    assert only(result, "model") == {
        "uri": "minio://b/model",
        "metadata": {"current_model": "minio://b/in", "rows": 3},
    }
    assert result["parameterValues"] == {"value": 1}


def test_b9_places_of_all_outputs_but_the_logs_in_the_pod():
    assert output_places(message("gs://"), root="/pod") == ("/pod/gcs/b/run/model",)


def test_vertex_is_told_by_its_output_file():
    given = message("gs://")
    assert not is_vertex(given)
    given["outputs"]["outputFile"] = "gs://b/run/output.json"
    assert is_vertex(given)
