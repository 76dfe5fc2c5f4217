"""Both wirings of the last stages; conditions as they are compiled are in `kubeflow`."""

import pytest
from supply_world import supply_config

from demandcast.schema.config.kubeflow import NOT_PUSHED

pytestmark = pytest.mark.slow

ORDERS = ["BatchForecaster", "Replenisher"]


@pytest.fixture
def nodes(tmp_path):
    from demandcast.pipeline import dag

    def nodes(*, push_if_blessed, **serving):
        config = supply_config(tmp_path, **{f"serving.{key}": on for key, on in serving.items()})
        target = dag.Target("/artifacts", "/tuning", push_if_blessed=push_if_blessed)
        surroundings = dag.Surroundings.unseen(config)
        pipeline = dag.make_pipeline(config, surroundings, target=target)
        return {component.id: component for component in pipeline.components}

    return nodes


def before(node):
    return {other.id for other in node.upstream_nodes}


@pytest.mark.parametrize("smoke_test", [True, False])
@pytest.mark.parametrize("infra_validation", [True, False])
def test_where_the_push_is_conditional_there_is_a_way_without_it(
    nodes, smoke_test, infra_validation
):
    found = nodes(push_if_blessed=True, smoke_test=smoke_test, infra_validation=infra_validation)
    tails = {*ORDERS, *(f"{name}{NOT_PUSHED}" for name in ORDERS)}
    assert tails < set(found)
    push = {"Pusher", *["SmokeTest"][: int(smoke_test)]}
    judges = {"Evaluator", *["InfraValidator"][: int(infra_validation)]}
    assert before(found["BatchForecaster"]) == judges | push
    assert before(found[f"BatchForecaster{NOT_PUSHED}"]) == judges
    for name in ("BatchForecaster", f"BatchForecaster{NOT_PUSHED}"):
        # Never cached there, and a pod would download what decides about the model.
        assert found[name].inputs == {}


def test_where_the_pusher_always_runs_one_way_is_enough(nodes):
    found = nodes(push_if_blessed=False)
    assert list(found)[-3:] == ["SmokeTest", *ORDERS]
    assert not [name for name in found if name.endswith(NOT_PUSHED)]
