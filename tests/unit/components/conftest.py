"""One small trained world for all tests of preprocessing, forecasting and inference."""

import pytest


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Raw examples, Transform's output over them and a trained model: see `forecasting_world`."""
    from forecasting_world import make_world

    return make_world(tmp_path_factory.mktemp("world"))
