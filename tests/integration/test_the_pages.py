"""The pages for each audience, walked from top to bottom where the README's walk has ended.

Commands are executed with the small settings of that walk, Python blocks in one namespace per
page; a text block that follows a Python block is what it prints.
"""

import shlex
import shutil

import grpc
import keras
import numpy as np
import pytest
from docs_pages import AUDIENCES, ROOT, blocks, changed_module
from google.protobuf import json_format
from readme_walk import SMALL

from demandcast.components.evaluation import tfma_metrics
from demandcast.components.forecasting.network import InputSpec, build_network
from demandcast.pipeline.cli import invoke
from demandcast.schema.config import NetworkConfig, load_config
from demandcast.serving.messages import PREDICTION_SERVICE
from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ADDRESS = "127.0.0.1:8500"
REST_ADDRESS = "http://127.0.0.1:8501"

APPLICATIONS = "docs/application-developers.md"


@pytest.fixture(scope="module")
def served(walked, tmp_path_factory):
    """A copy of the walk, so that its other tests see no runs of ours, and its model's addresses.

    The addresses are by those that the pages write.
    """
    walk, _ = walked
    folder = tmp_path_factory.mktemp("pages") / "walk"
    shutil.copytree(walk, folder, ignore=shutil.ignore_patterns("artifacts", "orders"))
    config = load_config(folder / "demand.yaml")
    serving = ServerConfig(serving_directory=config.push.serving_directory, port=0, rest_port=0)
    with ModelServer(serving) as server:
        assert server.wait_until_available(60)
        yield folder, {ADDRESS: server.address, REST_ADDRESS: server.rest_address}


def commands_of(block):
    """Arguments of the commands of a block; a script is executed in tests/docs."""
    if block.text.startswith("#!"):
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("demandcast ")]


@pytest.mark.parametrize("page", AUDIENCES)
def test_the_page_can_be_walked(served, monkeypatch, capsys, page):
    folder, addresses = served
    monkeypatch.chdir(folder)
    names: dict = {}
    printed = None
    for block in blocks("sh", "python", "text"):
        if block.page != page:
            continue
        if block.language == "text":
            assert printed in (None, block.text), str(block)
        printed = None
        for arguments in commands_of(block) if block.language == "sh" else ():
            assert invoke([*arguments, *SMALL]) == 0, f"{block}: {arguments}\n{capsys.readouterr()}"
        capsys.readouterr()
        if block.place == "walk":
            source = block.text
            for written, address in addresses.items():
                source = source.replace(written, address)
            exec(compile(source, str(block), "exec"), names)  # noqa: S102 - our page
            printed = capsys.readouterr().out


def test_the_calls_of_grpcurl_are_answered(served):
    """Their JSON is read as grpcurl reads it, and sent to the method that they name."""
    _, addresses = served
    called = {}
    with grpc.insecure_channel(addresses[ADDRESS]) as channel:
        for block in blocks("sh"):
            if block.page != APPLICATIONS or not block.text.startswith("grpcurl"):
                continue
            words = shlex.split(block.text.replace("\\\n", " "))
            options = dict(zip(words[2:-2:2], words[3:-2:2], strict=True))
            assert words[1] == "-plaintext"
            assert (ROOT / options["-import-path"] / options["-proto"]).is_file()
            assert words[-2] == ADDRESS
            path = f"/{words[-1]}"
            (method,) = [one for one in PREDICTION_SERVICE.values() if one.path == path]
            request = json_format.Parse(options["-d"], method.request())
            call = channel.unary_unary(
                path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            called[words[-1].rpartition("/")[2]] = call(request, timeout=60)
    assert set(called["Predict"].outputs) == {"mean"}
    assert [dim.size for dim in called["Predict"].outputs["mean"].tensor_shape.dim] == [1, 28]
    assert "signature_def" in called["GetModelMetadata"].metadata


def test_the_changed_network_learns():
    """The diff from LSTM to GRU: other weights, same shapes, and a loss that falls."""
    registered = dict(keras.saving.get_custom_objects())
    try:
        changed = changed_module("docs/data-scientists.md", "components/forecasting/network.py")
    finally:
        keras.saving.get_custom_objects().update(registered)
    spec = InputSpec(
        context_length=6,
        horizon=3,
        encoder=2,
        decoder=2,
        reference=1,
        static_sizes=(3,),
        known_sizes=(2,),
        past_sizes=(),
    )
    arguments = {"config": NetworkConfig(units=4, layers=2), "quantile_levels": (0.1, 0.5, 0.9)}
    network = changed.build_network(spec, **arguments, use_cudnn=False)
    kinds = {type(layer).__name__ for layer in network.layers}
    assert "GRU" in kinds
    assert "LSTM" not in kinds
    before = build_network(spec, **arguments, use_cudnn=False)
    assert network.count_params() < before.count_params()
    rng = np.random.default_rng(4)
    inputs = {
        "encoder": rng.normal(size=(32, 6, 2)),
        "decoder": rng.normal(size=(32, 3, 2)),
        "reference": np.ones((32, 3, 1)),
        "encoder_index": rng.integers(0, 2, (32, 6, 1)),
        "decoder_index": rng.integers(0, 2, (32, 3, 1)),
        "static_index": rng.integers(0, 3, (32, 1)),
    }
    keras.utils.set_random_seed(4)
    network.compile("adam", "mse")
    losses = network.fit(inputs, np.full((32, 3, 4), 3.0), epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert network.output_shape == (None, 3, 4)


def test_the_new_metric_is_one_of_tfma():
    """The class of the diff, listed and made as TFMA makes it."""
    path = "components/evaluation/tfma_metrics.py"
    changed = changed_module("docs/data-scientists.md", path)
    (added,) = set(changed.METRIC_CLASSES) - set(tfma_metrics.METRIC_CLASSES)
    metric = changed.METRIC_CLASSES[added](quantile_levels=(0.1, 0.5, 0.9))
    assert metric.name == added
    assert metric.computations(model_names=["candidate"])
