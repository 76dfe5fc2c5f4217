"""Importing the package: what stays unloaded, and which names it leaves alone."""

import json
import subprocess
import sys

import pytest
from pure_modules import FOLDERS, pure_modules

HEAVY = ("tensorflow", "tfx", "apache_beam", "keras", "tensorflow_transform", "tfx_bsl")
PURE_PACKAGES = (
    "demandcast.schema",
    "demandcast.components.metrics",
    "demandcast.components.simulation",
    "demandcast.components.replenishment",
    "demandcast.components.reporting",
)


def loaded_after_importing(names):
    """Top-level names in sys.modules of a fresh interpreter."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {list(names)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def below(package):
    return [name for name in pure_modules() if f"{name}.".startswith(f"{package}.")]


def test_there_are_pure_modules():
    assert all(below(package) for package in PURE_PACKAGES)


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_pure_packages_load_no_tensorflow_tfx_or_beam(package):
    loaded = loaded_after_importing(below(package))
    assert "demandcast" in loaded
    assert not loaded & set(HEAVY)


def test_all_pure_modules_load_no_tensorflow_tfx_or_beam():
    assert not loaded_after_importing(pure_modules()) & set(HEAVY)


def test_generic_names_of_the_folders_stay_free():
    loaded = loaded_after_importing(pure_modules())
    assert not loaded & {*FOLDERS, "tests", "terraform"}
