"""Promotion and rollback against our own server, which follows the file; no TensorFlow."""

from types import SimpleNamespace

import pytest
from label_servers import models_config
from serving_fakes import write_version

from demandcast.pipeline.cli.main import invoke
from demandcast.serving import promotion
from demandcast.serving.client import DemandClient
from demandcast.serving.models_file import Placement
from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A file with version 5, and the address of a server that follows it."""
    monkeypatch.setattr(promotion, "_PAUSE_SECONDS", 0.05)
    for version in (4, 5, 6):
        write_version(tmp_path / "demand", version)
    write_version(tmp_path / "demand", 7, "broken")
    file = tmp_path / "models.config"
    text = models_config(Placement(frozenset({5}), {"stable": 5}))
    file.write_text(text.replace("/models/demand", str(tmp_path / "demand")))

    def load(folder, version):
        if (folder / "saved_model.pb").read_text() == "broken":
            raise OSError("bytes make no model")
        return SimpleNamespace(folder=folder, version=version, signatures={}, signature_defs={})

    config = ServerConfig(
        model_config_file=file,
        model_config_poll_seconds=0.05,
        allow_labels_for_unavailable=True,
        poll_seconds=0.05,
        port=0,
        metrics=False,
    )
    with ModelServer(config, load=load) as server:
        assert server.wait_until_available(30)
        yield file, server.address


def call(command, served, *arguments):
    file, address = served
    return invoke([command, "--models-config", str(file), "--address", address, *arguments])


def version_of(served, label):
    with DemandClient(served[1], model_name="demand") as client:
        return client.metadata(version_label=label).version


def test_the_way_of_a_canary(served, capsys):
    assert call("promote", served, "--version", "6", "--label", "canary") == 0
    assert version_of(served, "canary") == 6
    assert version_of(served, "stable") == 5
    assert call("promote", served, "--version", "6") == 0
    assert version_of(served, "stable") == 6
    assert version_of(served, "previous") == 5
    assert call("rollback", served) == 0
    assert version_of(served, "stable") == 5
    assert capsys.readouterr().out.splitlines()[-1] == "canary 5, previous 6, stable 5"


@pytest.mark.parametrize("version", ["7", "9"])
def test_no_label_moves_to_what_does_not_load(served, version, capsys):
    assert call("promote", served, "--version", version, "--timeout", "1") == 5
    assert f"no label was moved: {served[1]} has no version {version}" in capsys.readouterr().err
    assert version_of(served, "stable") == 5
