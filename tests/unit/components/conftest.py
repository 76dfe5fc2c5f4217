"""Fixtures for components of more than one folder."""

import pytest
from fake_gcs import fake_gcs

from demandcast.components.storage.gcs_files import gcs_client


@pytest.fixture
def gcs(monkeypatch):
    """Google Cloud Storage on this machine; the real client goes there."""
    with fake_gcs() as gcs:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
        gcs_client.cache_clear()
        yield gcs
    gcs_client.cache_clear()
