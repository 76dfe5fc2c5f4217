"""What all tests share: how they are spread over two workers, and Hypothesis' patience."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Helpers whose assertions shall say what they compared.
pytest.register_assert_rewrite("crash_checks", "crash_world", "serving_contract_calls")

# Two workers share two cores with TensorFlow: a deadline would measure the neighbours.
settings.register_profile("demandcast", deadline=None)
settings.load_profile("demandcast")

# Tests that share a costly session fixture stay on one worker, or it would be made twice. The
# first name counts: what is made of a trained pipeline belongs to it.
_SHARED_FIXTURES = ("trained", "walked", "crash_server", "served", "world")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Addresses of a server that is not ours, for `make contract`."""
    for name, what in (
        ("target", "host:port of the gRPC interface of a running server"),
        ("rest", "host:port of its REST interface"),
        ("models", "directory of the contract's models, as that server sees it"),
    ):
        parser.addoption(f"--serving-{name}", default="", help=what)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests by the session fixture that they share, or else by file."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        shared = [name for name in _SHARED_FIXTURES if name in names]
        group = shared[0] if shared else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves slow modules unread when no slow test is wanted: most import TensorFlow."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if re.search(r"^pytestmark\b.*mark\.slow", text, re.MULTILINE) else None


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Raw examples, Transform's output over them and a trained model: see `forecasting_world`."""
    from forecasting_world import make_world

    return make_world(tmp_path_factory.mktemp("world"))
