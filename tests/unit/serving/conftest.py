"""Two versions of a tiny model, saved once for all tests of the server."""

import pytest
from serving_models import save_tiny_model


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Folders of two models: number 1 multiplies by 1, number 2 by 2."""
    folder = tmp_path_factory.mktemp("models")
    for number in (1, 2):
        save_tiny_model(folder / str(number), scale=float(number))
    return {number: folder / str(number) for number in (1, 2)}
