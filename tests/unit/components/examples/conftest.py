import pytest


@pytest.fixture
def examples_remote():
    """Registers a filesystem with Beam; gives a function from a local folder to its URL."""
    from examples_remote import ToyFileSystem

    return ToyFileSystem.url
