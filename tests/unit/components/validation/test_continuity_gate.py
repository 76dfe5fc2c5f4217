"""The stage: it reads two profiles, lets pass or refuses, and says what it compared."""

from pathlib import Path

import pytest

from demandcast.schema.config import ContinuityConfig
from demandcast.schema.data_profile import DataProfile
from demandcast.schema.errors import AnomalyError

pytestmark = pytest.mark.slow

PROFILE = DataProfile(
    frequency="D",
    first=19_000,
    recorded=(3,) * 90,
    selling=(3,) * 90,
    total=tuple(30.0 + day * day % 97 for day in range(90)),  # No week is like another.
    repeated=(0,) * 90,
)


@pytest.fixture
def judge(tmp_path):
    """Runs the executor on profiles (None: no file); returns its finding."""
    from tfx.types import standard_artifacts

    from demandcast.components.validation.continuity_gate import DataContinuity

    def artifact(kind, name, profile=None):
        made = kind()
        made.uri = str(tmp_path / name)
        Path(made.uri).mkdir(exist_ok=True)
        if profile is not None:
            (Path(made.uri) / "profile.json").write_text(profile.model_dump_json())
        return made

    def judge(now, before, **rules):
        finding = standard_artifacts.String()
        finding.uri = str(tmp_path / "finding")
        DataContinuity.EXECUTOR_SPEC.executor_class().Do(
            {
                "examples": [artifact(standard_artifacts.Examples, "examples", now)],
                "model_in_service": [artifact(standard_artifacts.Model, "model", before)],
            },
            {"finding": [finding]},
            {"continuity": ContinuityConfig(**rules).model_dump_json(), "code_digest": ""},
        )
        return Path(finding.uri).read_text()

    return judge


def doubled(profile):
    return profile.model_copy(update={"total": tuple(2 * units for units in profile.total)})


def test_the_same_data_passes(judge):
    assert judge(PROFILE, PROFILE) == "the data goes on as that of the model in service"


def test_without_a_profile_only_the_newest_periods_are_judged(judge):
    assert judge(PROFILE, None).startswith("no earlier data to compare with")


def test_other_data_is_refused_with_exit_code_3(judge):
    with pytest.raises(AnomalyError, match="does not go on as it was") as raised:
        judge(doubled(PROFILE), PROFILE)
    assert raised.value.exit_code == 3
    assert "--set" in str(raised.value)


def test_whoever_knows_better_may_switch_it_off(judge):
    assert judge(doubled(PROFILE), PROFILE, enabled=False).startswith("continuity was not looked")
