"""A schema is read back out of generated JavaScript; corrections are made where it cannot be."""

import json

import pytest
from schema_provider.overrides import OverrideError, corrected
from schema_provider.recovery import recover
from schema_provider.schema import Attribute, Block, ProviderSchema
from terraform_tools import TREE

TEXT = (TREE / "tests" / "fixtures" / "pool.js").read_text(encoding="utf-8")

POOL = {
    "attributes": {
        "id": {"type": "string", "optional": True, "computed": True},
        "name": {"type": "string", "required": True},
        "labels": {"type": ["map", "string"], "optional": True},
        # Its method is resetTfValues: resetValues would be taken by an attribute reset_values.
        "values": {"type": ["list", "string"], "optional": True},
        "token_wo": {"type": "string", "optional": True, "write_only": True},
        "ready": {"type": "bool", "computed": True},
        "effective_labels": {"type": ["map", "string"], "computed": True},
        "nodes": {"type": ["list", ["object", {"address": "string"}]], "computed": True},
        # A list that is assigned with =.
        "set": {
            "nested_type": {
                "nesting_mode": "list",
                "attributes": {"name": {"type": "string", "required": True}},
            },
            "optional": True,
        },
    },
    "block_types": {
        "autoscaling": {
            "nesting_mode": "list",
            "min_items": 1,
            "max_items": 1,
            "block": {
                "attributes": {
                    "max_nodes": {"type": "number", "required": True},
                    "zones": {"type": ["set", "string"], "optional": True},
                    "status": {"type": "string", "computed": True},
                },
                "block_types": {},
            },
        },
        "taint": {
            "nesting_mode": "set",
            "block": {
                "attributes": {"key": {"type": "string", "required": True}},
                "block_types": {},
            },
        },
        "timeouts": {
            "nesting_mode": "single",
            "block": {
                "attributes": {"create": {"type": "string", "optional": True}},
                "block_types": {},
            },
        },
    },
}


def test_every_kind_of_member_is_recovered():
    assert recover(TEXT).as_json() == POOL


def test_a_schema_survives_json():
    block = recover(TEXT)
    assert Block.from_json(json.loads(json.dumps(block.as_json()))) == block


def test_the_alias_of_a_provider_is_terraforms_own():
    text = TEXT.replace("cdktf.TerraformResource", "cdktf.TerraformProvider")
    as_provider = recover(text.replace("name: {", "alias: {"))
    assert "alias" not in as_provider.attributes
    assert as_provider.attributes["labels"].optional


@pytest.mark.parametrize("times", [0, 2])
def test_a_text_has_one_resource(times):
    text = TEXT.replace("class Pool ", "class Other ").replace("exports.Pool ", "exports.Other ")
    with pytest.raises(ValueError, match="one class of a resource was expected"):
        recover("" if times == 0 else TEXT + text)


def provider(block):
    return ProviderSchema("sample", "1.0", Block(), {"sample_pool": block}, {})


def correct(tmp_path, text):
    file = tmp_path / "overrides.yaml"
    file.write_text(text, encoding="utf-8")
    return corrected(provider(recover(TEXT)), file).resources["sample_pool"]


def test_a_correction_changes_what_it_names(tmp_path):
    pool = correct(
        tmp_path,
        "sample:\n"
        "  - {at: [sample_pool.name], set: {computed: true}, because: made}\n"
        "  - {at: [sample_pool.autoscaling.status], set: {sensitive: true}, because: secret}\n"
        "  - {at: [sample_pool.set], set: {type: dynamic}, because: anything}\n"
        "  - {at: [sample_pool.timeouts], set: {assigned: true}, because: an object}\n",
    )
    assert pool.attributes["name"] == Attribute("string", required=True, computed=True)
    assert pool.blocks["autoscaling"].block.attributes["status"].sensitive
    assert pool.attributes["set"] == Attribute("dynamic", optional=True)
    assert pool.attributes["timeouts"].nested.nesting == "single"
    assert set(pool.blocks) == {"autoscaling", "taint"}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{at: [sample_pool.name], set: {computed: true}}", "needs its reason"),
        ("{at: [sample_bucket.name], set: {computed: true}, because: x}", "has no .*bucket"),
        ("{at: [sample_pool.nam], set: {computed: true}, because: x}", "no attribute .*nam$"),
        ("{at: [sample_pool.x.nam], set: {computed: true}, because: x}", "no block .*x$"),
        ("{at: [sample_pool.name], set: {assigned: true}, because: x}", "no block .*name$"),
        ("{at: [sample_pool.name], set: {forced: true}, because: x}", "nothing is known of"),
    ],
)
def test_a_correction_that_fits_nothing_is_refused(tmp_path, entry, says):
    with pytest.raises(OverrideError, match=says):
        correct(tmp_path, f"sample:\n  - {entry}\n")
