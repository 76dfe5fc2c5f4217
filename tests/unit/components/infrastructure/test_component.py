"""The check in a real server: what passes, what is refused, and what is no fault of the model."""

import json
import logging
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from infrastructure_world import (
    HORIZON,
    LEVELS,
    REMARK,
    SERIES,
    expected_mean,
    save_model,
    write_examples,
)
from model_server import command
from tfx.components.pusher import executor as tfx_pusher
from tfx.proto import pusher_pb2
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import path_utils, proto_utils

from demandcast.components.infrastructure import checking, component
from demandcast.components.infrastructure.checking import BATCH_SIZES
from demandcast.components.infrastructure.warmup import read_warmup
from demandcast.components.storage.files import LocalFiles
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.artifact_names import GOLDEN_FILE, SERVER_LOG_FILE, WARMUP_FILE
from demandcast.schema.config import ForecastConfig, ServingConfig
from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest
from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FORECAST = ForecastConfig(horizon=HORIZON, quantile_levels=LEVELS)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("sound"))


def check(model, examples, folder, **serving):
    """Runs the executor; returns the blessing."""
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(folder / "blessing")
    config = ServingConfig(**{"command": command(), "tries": 1, **serving})
    component._InfraValidatorExecutor().Do(
        {"model": [model], "examples": [examples]},
        {"blessing": [blessing]},
        {
            "serving": config.model_dump_json(),
            "model_name": "demand",
            "forecast": FORECAST.model_dump_json(),
        },
    )
    return blessing


@pytest.fixture
def quick(monkeypatch):
    """The server in this process, where TensorFlow is loaded already: what is asked is the same."""

    @contextmanager
    def serve(config, *, model_name, model_base_path, log):
        log.write_text("")
        served = ServerConfig(
            serving_directory=model_base_path, model_name=model_name, port=0, poll_seconds=0.1
        )
        with ModelServer(served) as server:
            yield SimpleNamespace(address=server.address, check=lambda: None)

    monkeypatch.setattr(checking, "running_server", serve)


@pytest.fixture(scope="module")
def passed(sound, examples, tmp_path_factory):
    return check(sound, examples, tmp_path_factory.mktemp("passed"))


def stamped(blessing):
    return Path(path_utils.stamped_model_path(blessing.uri))


def test_a_sound_model_passes_and_the_blessing_says_what_was_seen(passed):
    assert passed.get_int_custom_property("blessed") == 1
    assert passed.get_int_custom_property("has_model") == 1
    reason = passed.get_string_custom_property("reason")
    assert "both signatures agree for batches of 1, 8, 64 series; with warm-up" in reason
    assert (Path(passed.uri) / "INFRA_BLESSED").exists()
    assert (Path(passed.uri) / SERVER_LOG_FILE).exists()


def test_the_copy_is_the_model_that_was_judged(passed, sound):
    before = model_digest(path_utils.serving_model_path(sound.uri), LocalFiles())
    assert model_digest(str(stamped(passed)), LocalFiles()) == before
    assert passed.get_string_custom_property("model_digest") == before
    assert not Path(path_utils.serving_model_path(sound.uri), WARMUP_FILE).exists()


def test_the_warm_up_replays_through_both_signatures(passed):
    model = tf.saved_model.load(str(stamped(passed)))
    asked = []
    for request in read_warmup(str(stamped(passed))):
        inputs = {name: tf.constant(tf.make_ndarray(t)) for name, t in request.inputs.items()}
        answer = model.signatures[request.model_spec.signature_name](**inputs)
        rows = len(answer["mean"])
        expected = [[expected_mean(index % SERIES)] * HORIZON for index in range(rows)]
        np.testing.assert_allclose(answer["mean"].numpy(), expected)
        asked.append((request.model_spec.signature_name, rows))
    sizes = [size for size in BATCH_SIZES for _ in range(2)]
    assert [rows for _, rows in asked] == sizes
    assert {name for name, _ in asked} == {"serving_default", "serving_examples"}
    assert asked[0][0] != asked[1][0]


def test_nothing_of_the_future_gets_into_the_model(passed):
    content = (stamped(passed) / WARMUP_FILE).read_bytes()
    assert b"store 0" in content
    assert REMARK.encode() not in content
    assert b"future_target" not in content


def test_the_golden_request_holds_a_few_series_and_their_answer(passed):
    golden = GoldenRequest.model_validate_json((stamped(passed) / GOLDEN_FILE).read_text())
    assert golden.signature == "serving_default"
    assert golden.inputs["store"].array().tolist() == [b"store 0", b"store 1", b"store 2"]
    # Histories of 2, 3 and 4 periods.
    np.testing.assert_array_equal(
        golden.inputs["observed_mask"].array(), [[0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]]
    )
    price = golden.inputs["price"].array()
    assert price.shape == (3, 4 + HORIZON)
    assert np.isnan(price[0, :2]).all()
    assert (price[0, 2:] == 2.5).all()
    np.testing.assert_allclose(golden.outputs["mean"].array()[:, 0], [1, 2, 3])
    assert golden.outputs["quantiles"].array().shape == (3, HORIZON, len(LEVELS))


@pytest.mark.usefixtures("quick")
def test_without_a_warm_up_the_golden_request_is_there_all_the_same(sound, examples, tmp_path):
    blessing = check(sound, examples, tmp_path, warmup=False)
    assert not (stamped(blessing) / WARMUP_FILE).exists()
    assert (stamped(blessing) / GOLDEN_FILE).exists()
    assert blessing.get_string_custom_property("reason").endswith("; without warm-up")


def test_tfxs_own_pusher_pushes_the_warmed_copy(passed, tmp_path):
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed")
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
    )
    context = tfx_pusher.Executor.Context(tmp_dir=str(tmp_path), unique_id="1")
    tfx_pusher.Executor(context).Do(
        {"infra_blessing": [passed]},
        {"pushed_model": [pushed]},
        {"push_destination": proto_utils.proto_to_json(destination)},
    )
    (version,) = (tmp_path / "serving").iterdir()
    assert (version / WARMUP_FILE).exists()


def damaged(model, folder, name):
    """A copy whose files of that name lack their second half."""
    shutil.copytree(model.uri, folder)
    for file in folder.rglob(name):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    copy = standard_artifacts.Model()
    copy.uri = str(folder)
    return copy


def refused(blessing):
    """The reason, after looking that nothing could be pushed."""
    assert blessing.get_int_custom_property("blessed") == 0
    assert blessing.get_int_custom_property("has_model") == 0
    assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").exists()
    assert not stamped(blessing).exists()
    return blessing.get_string_custom_property("reason")


def test_a_truncated_graph_is_refused_before_a_server_starts(sound, examples, tmp_path):
    model = damaged(sound, tmp_path / "model", "saved_model.pb")
    reason = refused(check(model, examples, tmp_path, command=command("crash")))
    assert reason.startswith("saved_model.pb cannot be read: ")


def test_weights_that_do_not_load_are_refused_with_the_servers_words(sound, examples, tmp_path):
    model = damaged(sound, tmp_path / "model", "variables.data*")
    reason = refused(check(model, examples, tmp_path))
    assert reason.startswith("the server cannot load it: ")
    assert len(reason) > len("the server cannot load it: ")


def test_a_model_without_the_signatures_is_refused(examples, tmp_path):
    module = tf.Module()
    module.run = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None], tf.float32)])
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    tf.saved_model.save(module, f"{model.uri}/Format-Serving", {"other": module.run})
    reason = refused(check(model, examples, tmp_path, command=command("crash")))
    assert reason == "no signature serving_default, serving_examples"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (
            {"factors": (0.5, float("nan"), 1.5)},
            "serving_examples answers no forecast: quantiles: 3 of 9 numbers are not finite",
        ),
        (
            {"factors": (0.5, 1.5, 1.0)},
            "serving_examples answers no forecast: quantiles: 3 of 3 forecasts cross",
        ),
        (
            {"factors": (-0.5, 1.0, 1.5)},
            "serving_examples answers no forecast: quantiles: 3 of 9 numbers are negative",
        ),
        (
            {"raw_factor": 1.01},
            "serving_default and serving_examples answer the same series differently: "
            "mean: series 0 answers 1.01 where 1 was expected; ",
        ),
        (
            {"factors": (0.5, 1.0)},
            "serving_examples answers no forecast: quantiles: shape [1, 3, 2], expected [1, 3, 3]",
        ),
    ],
    ids=["not a number", "crossing", "negative", "two answers", "other levels"],
)
def test_a_model_whose_answers_are_no_forecast_is_refused(examples, tmp_path, numbers, words):
    model = save_model(tmp_path / "model", **numbers)
    assert refused(check(model, examples, tmp_path)).startswith(words)


@pytest.mark.parametrize(
    ("serving", "words"),
    [
        (
            {"command": ("no-such-server", "{port}{model_name}{model_base_path}")},
            r"serving\.command: no program no-such-server in .* or in PATH; is the server",
        ),
        (
            {"command": command("crash"), "tries": 2},
            r"the server ended with exit code 1; its last words:\n  cannot serve demand: no lic",
        ),
        (
            {"command": command("empty"), "timeout_seconds": 2},
            r"no version available after 2 s \(serving\.timeout_seconds\); last seen: UNIMPLE",
        ),
        (
            {"command": command("silent"), "timeout_seconds": 2},
            r"no version available after 2 s .* last seen: UNAVAILABLE.*; it said nothing",
        ),
        (
            {"command": command("die")},
            r"the server ended with exit code 7; ",
        ),
    ],
    ids=["no program", "crash", "never available", "silent", "ends mid-way"],
)
def test_a_server_that_does_not_work_is_no_fault_of_the_model(
    sound, examples, tmp_path, serving, words
):
    with pytest.raises(ServingError, match=f"(?s)^infrastructure check: .*{words}") as raised:
        check(sound, examples, tmp_path, **serving)
    assert str(raised.value).endswith("That says nothing of the model; nothing was pushed")
    assert not stamped_exists(tmp_path)
    assert not list((tmp_path / "blessing").glob("INFRA_*"))
    if serving["command"][0] == sys.executable:
        assert (tmp_path / "blessing" / SERVER_LOG_FILE).exists()


def stamped_exists(folder):
    return Path(path_utils.stamped_model_path(str(folder / "blessing"))).exists()


def test_a_server_that_ended_is_started_again_and_that_is_said(sound, examples, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    with pytest.raises(ServingError, match="ended with exit code 1"):
        check(sound, examples, tmp_path, command=command("crash"), tries=3)
    assert caplog.text.count("The server is started again") == 2


def make_node(serving):
    return component.InfraValidator(
        model=channel_utils.as_channel([standard_artifacts.Model()]),
        examples=channel_utils.as_channel([standard_artifacts.Examples()]),
        serving=serving,
        model_name="demand",
        forecast=FORECAST,
        code_digest="digest",
    )


def test_only_what_the_check_depends_on_is_part_of_its_key():
    before = make_node(ServingConfig()).exec_properties
    same = ServingConfig(address="demand:8500", smoke_test=False)
    assert make_node(same).exec_properties == before
    assert make_node(ServingConfig(warmup=False)).exec_properties != before
    assert json.loads(before["serving"])["command"][0] == "demandcast"
