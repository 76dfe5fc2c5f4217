"""eks/foundation, applied for real: the real provider of AWS, against a mock of its API.

One account for the whole file, and tests in the order in which a cluster lives: made, planned
again, read, grown, mistaken, destroyed. Six minutes.
"""

import json

import pytest
import yaml
from eks_account import ACCOUNT, Account, account, changed, gaps
from missing_tools import missing
from terraform_tools import TREE, provider_mirror

pytestmark = [pytest.mark.timeout(1500), pytest.mark.xdist_group("eks-apply")]

VALUES = ("-var-file=dev.tfvars", "-var-file=mock.tfvars.json")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    mirror = provider_mirror("aws")
    if mirror is None:
        missing("provider of AWS in a mirror", "set TF_PLUGIN_MIRROR to one", from_make=False)
    with account(tmp_path_factory.mktemp("eks"), mirror) as made:
        yield made


@pytest.fixture(scope="module")
def before(cloud):
    """What an account holds that nobody has used, such as its default network."""
    return cloud.inventory()


@pytest.fixture(scope="module")
def applied(cloud, before):
    """Development, with the trail of production; what the mock has not is left out."""
    left_out = {gap["variable"]: gap["value"] for gap in gaps()["planned_only"]}
    ci = {"url": "https://token.actions.githubusercontent.com", "submits": False}
    subject = "repo:example/demandcast:environment:dev"
    values = {**left_out, "audit": True, "ci": {**ci, "subjects": [subject]}}
    (cloud.root / "mock.tfvars.json").write_text(json.dumps(values), encoding="utf-8")
    cloud.succeed("apply", "-auto-approve", "-input=false", "-parallelism=30", *VALUES)
    return cloud


@pytest.fixture(scope="module")
def second(applied):
    return applied.plan(*VALUES)


def test_what_the_mock_lacks_is_planned(cloud):
    """Before anything is there: production whole, with add-ons and access for people and CI."""
    plan = cloud.plan("-var-file=prod.tfvars", f"-var=account_id={ACCOUNT}")
    planned = [entry["type"] for entry in plan["resource_changes"]]
    for gap in gaps()["planned_only"]:
        assert gap["resource"] in planned, gap
    assert planned.count("aws_eks_addon") == 6
    # Terraform twice, three groups of people, and CI.
    assert planned.count("aws_eks_access_entry") == 2 + 3 + 1
    assert planned.count("aws_nat_gateway") == 3


def test_apply_makes_what_was_planned(applied, before):
    now = applied.inventory()
    assert now["eks.list_clusters"] == ["demand"]
    assert now["rds.describe_db_instances"] == ["demand-kfp"]
    prefix = f"{ACCOUNT}-demand-eu-west-1"
    assert now["s3.list_buckets"] == [
        f"{prefix}-{use}" for use in ("data", "logs", "pipeline-root", "serving")
    ]
    assert now["secretsmanager.list_secrets"] == ["demand-kfp-database"]
    assert len(now["ec2.nat_gateways"]) == 1
    assert set(now["iam.list_roles"]) - set(before.get("iam.list_roles", [])) >= {
        f"demand-{role}" for role in ("pipeline", "serving", "kfp", "secrets", "nodes", "ci")
    }


def test_a_second_plan_changes_nothing_but_the_written_gaps(second):
    found = changed(second)
    types = {entry["address"]: entry["type"] for entry in second["resource_changes"]}
    assert {action for action, _, _ in found} <= {"update"}, found
    shown = {(types[address], attribute) for _, address, attribute in found}
    written = {(gap["resource"], gap["attribute"]) for gap in gaps()["changes"]}
    assert shown - written == set(), "not written down in eks_mock_gaps.yaml"
    assert written - shown == set(), "no longer a gap: take it out of eks_mock_gaps.yaml"


def test_the_mock_still_says_what_terraform_looks_away_from(second):
    for gap in gaps()["ignored"]:
        told = {
            json.dumps(entry["change"]["before"][gap["attribute"]], sort_keys=True)
            for entry in second["resource_changes"]
            if entry["type"] == gap["resource"]
        }
        assert told == {json.dumps(gap["mock_says"], sort_keys=True)}, gap


def test_no_password_is_in_the_state(applied):
    state = applied.succeed("state", "pull")
    entries = json.loads(state)["resources"]
    version, instance = (
        next(entry for entry in entries if entry["type"] == kind)["instances"][0]["attributes"]
        for kind in ("aws_secretsmanager_secret_version", "aws_db_instance")
    )
    assert (version["secret_string"], version["secret_string_wo"]) in {("", None), (None, None)}
    assert (instance["password"], instance["password_wo"]) == (None, None)


def test_the_secret_has_the_keys_of_kubeflow_pipelines(applied):
    code = (
        "import boto3, json;"
        "secret = boto3.client('secretsmanager').get_secret_value(SecretId='demand-kfp-database');"
        "value = json.loads(secret['SecretString']);"
        "print(json.dumps([sorted(value), value['username'], len(value['password'])]))"
    )
    assert applied.ask(code) == [["password", "username"], "kfp", 40]


TRUST = {
    "pipeline": ["kubeflow:pipeline-runner"],
    "serving": ["demand-serving:demand-serving"],
    "kfp": ["kubeflow:ml-pipeline", "kubeflow:ml-pipeline-ui"],
    "secrets": ["external-secrets:external-secrets"],
}


@pytest.mark.parametrize("role", TRUST)
def test_a_role_trusts_exactly_its_service_accounts(applied, role):
    code = (
        "import boto3, json;"
        f"role = boto3.client('iam').get_role(RoleName='demand-{role}')['Role'];"
        "print(json.dumps(role['AssumeRolePolicyDocument']))"
    )
    (statement,) = applied.ask(code)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    issuer = statement["Principal"]["Federated"].split("oidc-provider/")[1]
    subjects = [f"system:serviceaccount:{account}" for account in TRUST[role]]
    assert statement["Condition"] == {
        "StringEquals": {f"{issuer}:sub": subjects, f"{issuer}:aud": "sts.amazonaws.com"}
    }


def test_the_server_reads_models_and_no_more(applied):
    code = (
        "import boto3, json;"
        "iam = boto3.client('iam');"
        "policy = iam.get_role_policy(RoleName='demand-serving', PolicyName='rights');"
        "print(json.dumps(policy['PolicyDocument']['Statement']))"
    )
    statements = applied.ask(code)
    objects = {
        (action, resource)
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
        if action.startswith("s3:")
    }
    bucket = f"arn:aws:s3:::{ACCOUNT}-demand-eu-west-1-serving"
    assert objects == {
        ("s3:ListBucket", bucket),
        ("s3:GetBucketLocation", bucket),
        ("s3:GetObject", f"{bucket}/*"),
    }


def test_the_platform_takes_the_outputs(applied, providers):
    """The platform's own plan, by providers that know schemas and no cluster."""
    outputs = json.loads(applied.succeed("output", "-json"))
    given = outputs["foundation"]["value"]
    for name in ("cluster_name", "cluster_endpoint", "region", "buckets", "identities", "database"):
        assert outputs[name]["value"] == given[name]
    assert outputs["cluster_ca_certificate"]["sensitive"]
    assert set(given["buckets"]) == {"pipeline_root", "data", "serving", "logs"}
    assert {"pipeline", "serving", "kfp", "secrets", "nodes", "ci"} <= set(given["identities"])

    root = applied.root.with_name("platform")
    (root / "mock_override.tf").write_text('terraform {\n  backend "local" {}\n}\n', "utf-8")
    (root / "foundation.tfvars.json").write_text(json.dumps({"foundation": given}), "utf-8")
    platform = Account(root, {**applied.environment, **providers})
    platform.succeed("init", "-input=false")
    plan = platform.plan("-var-file=dev.tfvars", "-var-file=foundation.tfvars.json")
    values = plan["planned_values"]["outputs"]["kustomize_values"]["value"]
    assert f"database_host={given['database']['host']}\n" in values
    assert f"kfp_identity=arn:aws:iam::{ACCOUNT}:role/demand-kfp\n" in values


def test_more_nodes_are_an_update(applied, second):
    """The pools of the last plan, of which only the numbers are others."""
    grown = {"cpu": {"min": 2, "max": 9}, "gpu": {"max": 3}}
    given = json.loads(applied.succeed("show", "-json", "plan"))["variables"]["node_pools"]["value"]
    pools = {pool: {**given[pool], **size} for pool, size in grown.items()}
    plan = applied.plan(*VALUES, f"-var=node_pools={json.dumps(pools)}")
    groups = {
        (action, address, attribute)
        for action, address, attribute in changed(plan)
        if "aws_eks_node_group" in address
    }
    assert {action for action, _, _ in groups} == {"update"}
    assert {address for _, address, attribute in groups if attribute == "scaling_config"} == {
        f'module.node_pools["{pool}"].aws_eks_node_group.this' for pool in pools
    }


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            '-var=node_pools={"cpu":{"capacity":"CHEAP"},"gpu":{}}',
            "instances.capacity must be ON_DEMAND or SPOT",
        ),
        (
            '-var=network={"cidr":"10.20.0.0/8","zones":["eu-west-1a","eu-west-1b","eu-west-1c"]}',
            "between /16 and /20",
        ),
        ("-var=account_id=999999999999", "AWS account ID not allowed"),
    ],
)
def test_a_mistake_is_caught(applied, value, says):
    done = applied.run("plan", "-input=false", *VALUES, value)
    assert done.returncode == 1
    assert says in " ".join((done.stdout + done.stderr).split())


def test_a_mistake_that_only_the_provider_knows_is_caught(applied):
    """What no rule of ours says: real enumerations of AWS, in a copy with a typing error."""
    module = applied.root.parents[1] / "modules" / "aws" / "node_group" / "main.tf"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace("AL2023_x86_64_NVIDIA", "AL2023_x86_64_NVIDEA"), "utf-8")
    try:
        done = applied.run("plan", "-input=false", *VALUES)
    finally:
        module.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "expected ami_type to be one of" in " ".join(done.stderr.split())


def test_destroy_leaves_nothing(applied, before):
    addresses = applied.succeed("state", "list").splitlines()
    for gap in gaps()["not_destroyed"]:
        (address,) = [one for one in addresses if f".{gap['resource']}." in one]
        applied.succeed("state", "rm", address)
    applied.succeed("destroy", "-auto-approve", "-input=false", "-parallelism=30", *VALUES)
    left = applied.inventory()
    kept = {gap["kind"]: gap["left"] for gap in gaps()["left_behind"]}
    more = {kind: len(left.get(kind, [])) - len(before.get(kind, [])) for kind in {*left, *before}}
    assert {kind: number for kind, number in more.items() if number} == kept
    assert {kind: left[kind] for kind in before if kind not in kept} == {
        kind: entries for kind, entries in before.items() if kind not in kept
    }


def test_every_gap_gives_its_reason():
    text = yaml.safe_load((TREE / "tests" / "eks_mock_gaps.yaml").read_text(encoding="utf-8"))
    entries = [entry for entries in text.values() for entry in entries]
    assert [entry for entry in entries if len(entry["reason"].split()) < 4] == []
