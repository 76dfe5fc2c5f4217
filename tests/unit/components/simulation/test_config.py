import datetime

import pytest
from pydantic import ValidationError

from demandcast.components.simulation.config import PRESETS, SimulationConfig, preset
from demandcast.schema.errors import ConfigurationError


def test_defaults_are_pinned():
    config = SimulationConfig()
    assert (config.stores, config.items, config.periods, config.horizon) == (20, 50, 1096, 28)
    assert config.start == datetime.date(2022, 3, 7)
    assert (config.frequency, config.seed, config.format) == ("D", 17, "parquet")
    assert config.chunk_stores == 5
    assert config.effects.price_elasticity == -1.8
    assert (config.promotions.display_lift, config.promotions.flyer_lift) == (1.5, 1.8)


def test_presets_are_pinned():
    assert PRESETS == ("standard", "quickstart", "tiny")
    sizes = {
        name: (preset(name).stores, preset(name).items, preset(name).periods) for name in PRESETS
    }
    assert sizes == {
        "standard": (20, 50, 1096),
        "quickstart": (10, 40, 800),
        "tiny": (3, 8, 430),
    }


def test_every_field_is_described():
    sections = [SimulationConfig, *(type(getattr(SimulationConfig(), name)) for name in _NESTED)]
    for section in sections:
        missing = [name for name, field in section.model_fields.items() if not field.description]
        assert missing == []


_NESTED = ("effects", "promotions", "supply")


def test_preset_takes_changes():
    assert preset("tiny", seed=5, stores=1) == preset("tiny").model_copy(
        update={"seed": 5, "stores": 1}
    )


def test_unknown_preset_names_the_allowed_ones():
    with pytest.raises(ConfigurationError, match="got 'huge'; allowed: standard, quickstart, tiny"):
        preset("huge")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stores": 0}, "greater than or equal to 1"),
        ({"shops": 3}, "Extra inputs are not permitted"),
        ({"frequency": "M"}, "Input should be 'D'"),
        ({"format": "xlsx"}, "'parquet' or 'csv'"),
        ({"start": datetime.date(1800, 1, 1)}, "greater than or equal to"),
        (
            {"intermittent_share": 0.7, "lumpy_share": 0.5},
            r"intermittent_share \+ lumpy_share must be at most 1, got 1.2",
        ),
        (
            {"new_share": 0.7, "discontinued_share": 0.5},
            r"new_share \+ discontinued_share must be at most 1, got 1.2",
        ),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        SimulationConfig(**values)


def test_all_wrong_changes_are_listed():
    with pytest.raises(ConfigurationError) as error:
        preset("tiny", stores=0, effects={"weekly": -1})
    assert str(error.value).splitlines() == [
        "stores: got 0; Input should be greater than or equal to 1",
        "effects.weekly: got -1; Input should be greater than or equal to 0",
    ]


def test_wrong_sum_of_shares_is_told_by_name():
    with pytest.raises(ConfigurationError, match=r"^intermittent_share \+ lumpy_share must be"):
        preset("tiny", intermittent_share=1.0)
