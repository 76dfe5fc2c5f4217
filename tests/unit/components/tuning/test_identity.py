"""Which search a folder belongs to."""

import pytest
from tuning_fakes import tuning

from demandcast.schema.config import NetworkConfig, TrainingConfig

pytestmark = pytest.mark.slow


@pytest.fixture
def identity(tmp_path):
    """Identity of a search, with changes."""
    from demandcast.components.tuning.identity import search_identity
    from demandcast.components.tuning.search import Search

    def identity(*, network=None, training=None, code="a", content=(b"train", b"check"), **changes):
        search = Search(
            tuning(**changes), NetworkConfig(**network or {}), TrainingConfig(**training or {})
        )
        files = []
        for number, text in enumerate(content):
            files.append(str(tmp_path / str(number)))
            (tmp_path / str(number)).write_bytes(text)
        return search_identity(search, {"code_digest": code}, files=files)

    return identity


@pytest.mark.parametrize(
    "change",
    [
        {"content": (b"train", b"other")},
        {"content": (b"check", b"train")},
        {"code": "b"},
        {"network": {"units": 65}},
        {"training": {"epochs": 3}},
        {"algorithm": "random"},
        {"seed": 4},
        {"epochs": 3},
        {"windows_per_series": 3},
        {"space": {"network": {"units": [8]}}},
    ],
    ids=str,
)
def test_trials_of_different_searches_never_mix(identity, change):
    assert identity(**change) != identity()


@pytest.mark.parametrize(
    "change", [{"max_seconds": 7}, {"max_trials": 30}, {"enabled": True}], ids=str
)
def test_a_search_with_other_limits_is_the_same_search(identity, change):
    assert identity(**change) == identity()


def test_the_place_of_the_examples_does_not_count(identity, tmp_path):
    """The same content somewhere else: after a run without cache, for example."""
    from demandcast.components.tuning.identity import search_identity
    from demandcast.components.tuning.search import Search

    before = identity()
    for name in ("x", "y"):
        (tmp_path / name).write_bytes({"x": b"train", "y": b"check"}[name])
    search = Search(tuning(), NetworkConfig(), TrainingConfig())
    files = [str(tmp_path / name) for name in ("x", "y")]
    assert search_identity(search, {"code_digest": "a"}, files=files) == before
