"""What the package exports, and that its map names every module."""

import importlib
import pkgutil

from demandcast.components.replenishment import closed_forms

INTERNAL = {"checks", "min_max_item", "renewal", "search"}
MODULES = [module.name for module in pkgutil.iter_modules(closed_forms.__path__)]


def test_all_public_names_of_the_modules_are_exported():
    names = [
        name
        for module in MODULES
        if module not in INTERNAL
        for name in importlib.import_module(f"{closed_forms.__name__}.{module}").__all__
    ]
    assert sorted(names) == sorted(closed_forms.__all__)
    assert closed_forms.__all__ == sorted(closed_forms.__all__)


def test_the_map_names_every_module():
    for module in MODULES:
        assert module in closed_forms.__doc__, module


def test_functions_named_like_their_modules_are_the_functions():
    # `from ... import base_stock` gives the function, whatever was imported before.
    importlib.import_module(f"{closed_forms.__name__}.base_stock")
    for name in set(MODULES) & set(closed_forms.__all__):
        assert callable(getattr(closed_forms, name)), name
