"""What pods need and cannot see is said before anything is loaded."""

import re

import pytest
from configurations import parse
from kubeflow_specs import IMAGE

from demandcast.pipeline.kubeflow.reach import check_compilable, tuning_place
from demandcast.schema.errors import ConfigurationError

WHOLE = {
    "name": "demand",
    "data.sales": "gs://b/sales.csv",
    "push.serving_directory": "gs://b/serving",
    "kubeflow.image": IMAGE,
    "kubeflow.pipeline_root": "gs://b/root",
}
VOLUME = {"kubeflow.volumes": [{"claim": "sales", "mount_path": "/data"}]}


def test_all_that_is_missing_is_said_at_once():
    with pytest.raises(ConfigurationError) as error:
        check_compilable(parse(name="My_demand", **{"push.serving_directory": "/x"}), "kubeflow")
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *("name", "kubeflow.image", "kubeflow.pipeline_root"),
        *("data.sales", "push.serving_directory"),
    ]
    assert "got 'My_demand'" in lines[0]


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_bucket_is_seen_everywhere(target):
    check_compilable(parse(**WHOLE), target)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("data.sales", "s3://b/sales.csv"),
        ("data.sales", "/database/sales.csv"),
        ("data.future", "/home/me/future.csv"),
        ("push.serving_directory", "minio://b/serving"),
    ],
)
def test_other_places_are_not(key, path):
    message = rf"{re.escape(key)}: got '{path}'; pods cannot see it; expected gs://\.\.\. or /data"
    with pytest.raises(ConfigurationError, match=message):
        check_compilable(parse(**{**WHOLE, **VOLUME, key: path}), "kubeflow")


def test_terms_of_supply_must_be_seen_where_the_gate_uses_them():
    tables = {
        "inventory": {"path": "/home/me/stock.csv"},  # Not by the gate.
        "supply_terms": {"path": "gs://b/terms.csv"},
        "suppliers": {"path": "/home/me/suppliers.csv"},
    }
    check_compilable(parse(**{**WHOLE, "replenishment.tables": tables}), "kubeflow")
    costed = {**WHOLE, "replenishment.tables": tables, "gate.cost": {"enabled": True}}
    with pytest.raises(ConfigurationError) as error:
        check_compilable(parse(**costed), "kubeflow")
    assert str(error.value).startswith("replenishment.tables.suppliers: got '/home/me/supp")
    assert len(str(error.value).splitlines()) == 1


def test_a_volume_is_seen_on_kubeflow_only():
    config = parse(**{**WHOLE, **VOLUME, "data.sales": "/data/sales.csv"})
    check_compilable(config, "kubeflow")
    with pytest.raises(ConfigurationError, match=r"expected gs://\.\.\.$"):
        check_compilable(config, "vertex")


def test_searches_lie_in_the_bucket_or_on_a_volume():
    assert tuning_place(parse(**WHOLE)) == "gs://b/root/demand/tuning"
    in_minio = WHOLE | {"kubeflow.pipeline_root": "minio://b/root"}
    assert tuning_place(parse(**in_minio, **VOLUME)) == "/data/demand/tuning"
    assert tuning_place(parse(**in_minio)) == ""
    with pytest.raises(ConfigurationError, match=r"tuning\.enabled: .*minio://b/root cannot hold"):
        check_compilable(parse(**in_minio, **{"tuning.enabled": True}), "kubeflow")


def test_tables_of_supply_count_where_orders_are_proposed():
    tables = {"inventory": {"path": "/stock.csv"}, "supply_terms": {"path": "gs://b/terms.csv"}}
    config = parse(**WHOLE, replenishment={"tables": tables})
    check_compilable(config, "kubeflow")
    config = parse(**WHOLE, replenishment={"enabled": True, "tables": tables})
    message = r"replenishment\.tables\.inventory: got '/stock\.csv'; pods cannot see it"
    with pytest.raises(ConfigurationError, match=message):
        check_compilable(config, "kubeflow")
