"""Terraform is run without what this machine configures; a provider's mirror is found."""

import os
import re

import pytest
from missing_tools import missing
from terraform_tools import mirror_config, provider_mirror, terraform_env


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine on which no conventional place holds a mirror of the provider `sample`."""
    for name in ("TF_PLUGIN_MIRROR", "TF_CLI_CONFIG_FILE", "XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def mirror(folder, name="sample"):
    (folder / "registry.terraform.io" / "hashicorp" / name / "1.0.0").mkdir(parents=True)
    return folder


def test_without_a_mirror_there_is_none(nowhere):
    assert provider_mirror("sample") is None


def test_the_variable_names_the_mirror(nowhere, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(mirror(tmp_path / "mirror")))
    assert provider_mirror("sample") == tmp_path / "mirror"
    # It is the only place then.
    mirror(tmp_path / "home" / ".terraform.d" / "plugins", "other")
    assert provider_mirror("other") is None


@pytest.mark.parametrize(
    "place", ["home/.terraform.d/plugins", "home/.local/share/terraform/plugins"]
)
def test_terraforms_own_places_are_looked_at(nowhere, tmp_path, place):
    mirror(tmp_path / place)
    assert provider_mirror("sample") == tmp_path / place


def test_a_configuration_names_its_mirror(nowhere, tmp_path, monkeypatch):
    config = mirror_config(tmp_path, mirror(tmp_path / "mirror"))
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))
    assert provider_mirror("sample") == tmp_path / "mirror"


def test_nothing_of_the_machine_gets_through(monkeypatch, tmp_path):
    monkeypatch.setenv("TF_LOG", "trace")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "somewhere")
    environment = terraform_env()
    assert "TF_LOG" not in environment
    assert environment["TF_CLI_CONFIG_FILE"] == os.devnull
    assert environment["PATH"] == os.environ["PATH"]
    assert terraform_env(tmp_path / "x.tfrc")["TF_CLI_CONFIG_FILE"] == str(tmp_path / "x.tfrc")


def test_what_is_missing_skips_here_and_fails_under_ci_if_make_brings_it(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    says = re.escape("there is no x here: get it")
    with pytest.raises(pytest.skip.Exception, match=says):
        missing("x", "get it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=says):
        missing("x", "get it")
    with pytest.raises(pytest.skip.Exception, match=says):
        missing("x", "get it", from_make=False)
