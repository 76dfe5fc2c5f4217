"""States of versions have the numbers of the wire."""

import pytest

from demandcast.serving.version_status import VersionState

pytestmark = pytest.mark.slow


def test_states_have_the_numbers_of_the_wire():
    from tensorflow_serving.apis import get_model_status_pb2

    states = get_model_status_pb2.ModelVersionStatus.State
    assert {state.name: int(state) for state in VersionState} == dict(states.items())
