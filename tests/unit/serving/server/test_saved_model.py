"""SavedModels: loaded, asked, refused; and nothing is kept of a request."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from serving_models import HORIZON, tiny_inputs

from demandcast.serving.errors import RequestError
from demandcast.serving.server.saved_model import load_saved_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(models):
    return load_saved_model(models[2], 5)


def test_a_loaded_version(model):
    assert model.version == 5
    assert set(model.signatures) == {"serving_default", "serving_examples"}
    assert set(model.signatures["serving_default"].inputs) == set(tiny_inputs())
    assert set(model.signature_defs) > set(model.signatures)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_predicts_from_arrays_that_may_not_be_written(model, rows):
    inputs = tiny_inputs(rows)
    for array in inputs.values():
        array.flags.writeable = False
    mean = model.predict("serving_default", inputs)["mean"]
    np.testing.assert_array_equal(
        mean, np.repeat(2 * inputs["target"].mean(axis=1, keepdims=True), HORIZON, axis=1)
    )


def test_what_the_model_refuses_has_its_status(model):
    with pytest.raises(RequestError, match="Could not parse example input") as caught:
        model.predict("serving_examples", {"examples": np.array([b"no example"], dtype=object)})
    assert caught.value.status == "INVALID_ARGUMENT"


def test_a_file_without_a_graph_to_serve(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=f"{tmp_path} holds no graph with the tag 'serve'"):
        load_saved_model(tmp_path, 1)


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_nothing_is_kept_of_a_request(model):
    """`tf.constant` would lose 340 bytes a tensor: 11 MB in all."""
    inputs = tiny_inputs()
    for _ in range(500):
        model.predict("serving_default", inputs)
    gc.collect()
    before = resident_bytes()
    for _ in range(4000):
        model.predict("serving_default", inputs)
    gc.collect()
    assert resident_bytes() - before < 3 * 2**20
