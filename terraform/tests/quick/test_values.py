"""Planned, applied, read and imported values; what is refused before a cloud would be asked."""

import base64

from schema_provider.checks import set_but_only_read
from schema_provider.schema import Attribute, Block, Nested, NestedBlock
from schema_provider.values import Unknown, imported, made_up, planned, realised

AUTH = Block(
    {
        "certificate": Attribute("string", computed=True),
        "issue": Attribute("bool", optional=True),
    }
)
POOL = Block({"machine": Attribute("string", required=True)})
CLUSTER = Block(
    {
        "id": Attribute("string", optional=True, computed=True),
        "name": Attribute("string", required=True),
        "version": Attribute("string", optional=True),
        "token_wo": Attribute("string", optional=True, write_only=True),
        "endpoint": Attribute("string", computed=True),
        "set": Attribute(
            nested=Nested(
                "list",
                {
                    "key": Attribute("string", required=True),
                    "kind": Attribute("string", optional=True, computed=True),
                },
            ),
            optional=True,
        ),
    },
    {
        "auth": NestedBlock("list", AUTH, max_items=1),
        "pool": NestedBlock("set", POOL),
        "timeouts": NestedBlock("single", Block({"create": Attribute("string", optional=True)})),
    },
)
NEW = {
    "id": None,
    "name": "demand",
    "version": None,
    "token_wo": None,
    "endpoint": None,
    "set": [{"key": "a", "kind": None}],
    "auth": [],
    "pool": [{"machine": "e2"}],
    "timeouts": None,
}
PLANNED = {
    **NEW,
    "id": Unknown(),
    "endpoint": Unknown(),
    "set": [{"key": "a", "kind": Unknown()}],
    "auth": Unknown(),
}


def test_a_plan_says_what_is_set_and_that_the_rest_is_unknown():
    assert planned(CLUSTER, NEW) == PLANNED
    assert NEW["id"] is None, "what Terraform sent is not changed"


def test_a_deletion_is_planned_as_null():
    assert planned(CLUSTER, None, NEW) is None


def test_what_is_unknown_already_stays_as_terraform_sent_it():
    refined = Unknown(12, b"\x81\x01\xc2")
    assert planned(CLUSTER, {**NEW, "name": refined, "auth": refined})["name"] == refined
    assert planned(CLUSTER, {**NEW, "auth": refined})["auth"] == refined


def test_apply_leaves_nothing_unknown_and_changes_nothing_that_was_set():
    state = realised(CLUSTER, PLANNED, "cluster")
    assert state == {
        **NEW,
        "id": "made-up-cluster.id",
        "endpoint": "made-up-cluster.endpoint",
        "set": [{"key": "a", "kind": "made-up-cluster.set.kind"}],
        "auth": [{"certificate": made_up("string", "cluster.auth.certificate"), "issue": None}],
    }


def test_a_second_plan_changes_nothing():
    """Terraform proposes what the state has, but for blocks: those it takes from the code."""
    state = realised(CLUSTER, PLANNED, "cluster")
    assert planned(CLUSTER, {**state, "auth": []}, state) == state


def test_values_are_made_up_by_type():
    kind = ["list", ["object", {"size": "number", "on": "bool", "tags": ["map", "string"]}]]
    assert made_up(kind, "a") == [{"size": 1, "on": False, "tags": {}}]
    assert made_up(["set", "string"], "a") == []
    assert made_up("dynamic", "a") == [b'"string"', "made-up-a"]
    assert base64.b64decode(made_up("string", "a.ca_certificate")) == b"made-up-a.ca_certificate"


def test_an_example_is_taken_where_the_form_matters():
    block = Block({"address": Attribute("string", computed=True, example="192.0.2.1")})
    assert realised(block, {"address": Unknown()}, "a") == {"address": "192.0.2.1"}
    assert Block.from_json(block.as_json()) == block


def test_an_import_knows_the_id():
    state = imported(CLUSTER, "cluster", "projects/p/demand")
    assert state["id"] == "projects/p/demand"
    assert (state["name"], state["endpoint"]) == (None, "made-up-cluster.endpoint")
    assert (state["pool"], state["timeouts"]) == ([], None)


def test_what_is_only_read_may_not_be_set():
    set_wrongly = {**NEW, "endpoint": "10.0.0.1", "auth": [{"certificate": "x", "issue": True}]}
    assert list(set_but_only_read(CLUSTER, set_wrongly)) == [
        ("endpoint",),
        ("auth", 0, "certificate"),
    ]
    assert list(set_but_only_read(CLUSTER, {**NEW, "id": "x"})) == []
    assert list(set_but_only_read(CLUSTER, None)) == []
