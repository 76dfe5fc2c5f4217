"""Who may do what, and who reaches whom, asked of the rendered roles and network policies."""

import re

import pytest
from k8s_manifests import Peer, allows, find, selects
from k8s_manifests import rendered as serving
from kfp_manifests import (
    CLOUDS,
    OVERLAYS,
    TREE,
    may,
    of_upstream,
    ours,
    pod,
    reaches,
    rendered,
    values,
)

API, PROXY = "ml-pipeline:http", "services/proxy"
STAGE = pod(
    **{"workflows.argoproj.io/workflow": "demand-x7", "pipelines.kubeflow.org/v2_component": "true"}
)
CLIENT_STAGE = pod(**{"workflows.argoproj.io/workflow": "demand-x7", "serving-client": "demand"})
API_SERVER, UI = pod(app="ml-pipeline"), pod(app="ml-pipeline-ui")
METADATA, ENVOY = pod(component="metadata-grpc-server"), pod(component="metadata-envoy")
STORE, MYSQL, PROXY_POD = pod(app="seaweedfs"), pod(app="mysql"), pod(app="cloud-sql-proxy")
STRANGER = pod("elsewhere", app="ml-pipeline-ui")
BYSTANDER = pod(app="notebook")
INTERNET, METADATA_SERVER = Peer(ip="142.250.1.1"), Peer(ip="169.254.169.254")
SERVER = pod("demand-serving", **{"app.kubernetes.io/name": "demand-serving"})
PROMETHEUS = {"eks": pod("monitoring"), "gke": pod("gmp-system"), "kind": pod("monitoring")}
PERSONAS = ("platform", "developer", "viewer")
NAMESPACES = ("kubeflow", "demand-serving")


def subject(overlay, persona):
    given = values(overlay)
    if persona == "delivery":
        return {
            "kind": "User" if overlay == "gke" else "Group",
            "name": given["delivery_subject"],
        }
    if persona == "pipeline":
        return {"kind": "ServiceAccount", "name": "pipeline-runner", "namespace": "kubeflow"}
    if persona == "server":
        return {"kind": "ServiceAccount", "name": "demand-serving", "namespace": "demand-serving"}
    return {"kind": "Group", "name": given[f"{persona}_group"]}


def can(overlay, persona, verb, resource, **where):
    return may(rendered(overlay), subject(overlay, persona), verb, resource, **where)


def first_address(overlay, value):
    address = values(overlay)[value].split("/")[0]
    return Peer(ip=address if not address.endswith(".0") else address[:-1] + "5")


# Roles.


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("persona", [*PERSONAS, "delivery", "server"])
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_nobody_reads_secrets_makes_pods_or_gets_into_one(overlay, persona, namespace):
    for verb, resource in (
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "secrets"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("get", "pods/exec"),
        ("create", "pods/attach"),
        ("update", "pods/ephemeralcontainers"),
        ("create", "serviceaccounts/token"),
        ("create", "apps/deployments"),
        ("create", "argoproj.io/workflows"),
    ):
        assert not can(overlay, persona, verb, resource, namespace=namespace), (verb, resource)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_submits(overlay):
    for persona in ("platform", "developer", "delivery"):
        assert can(overlay, persona, "create", PROXY, name=API)
        assert can(overlay, persona, "get", PROXY, name=API)
    assert can(overlay, "viewer", "get", PROXY, name=API)
    assert not can(overlay, "viewer", "create", PROXY, name=API)
    for persona in ("pipeline", "server"):
        assert not can(overlay, persona, "get", PROXY, name=API)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("persona", [*PERSONAS, "delivery"])
def test_the_proxy_leads_to_kfp_alone(overlay, persona):
    for name in ("seaweedfs:http-s3", "metadata-grpc-service:grpc-api", "ml-pipeline:grpc", None):
        assert not can(overlay, persona, "get", PROXY, name=name)
    assert not can(overlay, persona, "get", PROXY, name=API, namespace="demand-serving")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_logs_are_for_those_who_work_on_runs(overlay):
    assert can(overlay, "platform", "get", "pods/log")
    assert can(overlay, "developer", "get", "pods/log")
    assert not can(overlay, "viewer", "get", "pods/log")
    assert can(overlay, "viewer", "list", "pods")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_moves_a_label_of_the_server(overlay):
    where = {"namespace": "demand-serving"}
    for persona, wanted in (
        ("platform", True),
        ("delivery", True),
        ("developer", False),
        ("viewer", False),
        ("server", False),
        ("pipeline", False),
    ):
        got = can(overlay, persona, "update", "configmaps", name="models-config", **where)
        assert got == wanted, persona
        assert not can(overlay, persona, "update", "configmaps", name="other", **where)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pipelines_account_has_what_its_stages_need_and_no_more(overlay):
    assert can(overlay, "pipeline", "get", "configmaps", name="kfp-launcher")
    assert can(overlay, "pipeline", "create", "argoproj.io/workflowtaskresults")
    assert can(overlay, "pipeline", "get", "secrets", name="mlpipeline-minio-artifact")
    assert not can(overlay, "pipeline", "get", "secrets", name="mysql-secret")
    assert not can(overlay, "pipeline", "list", "secrets")
    for verb, resource in (
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("create", "apps/deployments"),
        ("create", "persistentvolumeclaims"),
        ("create", "argoproj.io/workflows"),
    ):
        assert not can(overlay, "pipeline", verb, resource), (verb, resource)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_role_of_ours_has_a_wildcard_and_none_is_for_the_whole_cluster(overlay):
    manifests = ours(overlay)
    assert find(manifests, "ClusterRole") == find(manifests, "ClusterRoleBinding") == []
    roles = [*find(manifests, "Role"), *find(of_upstream(overlay), "Role", "pipeline-runner")]
    assert len(roles) == 9
    for role in roles:
        for rule in role["rules"]:
            for what in ("apiGroups", "resources", "verbs"):
                assert "*" not in rule[what], role["metadata"]["name"]


def test_upstreams_rules_are_wider_so_the_question_can_be_answered_with_yes():
    role = {
        "kind": "Role",
        "metadata": {"name": "r", "namespace": "kubeflow"},
        "rules": [{"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["*"]}],
    }
    binding = {
        "kind": "RoleBinding",
        "metadata": {"name": "r", "namespace": "kubeflow"},
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "pipeline-runner"}],
    }
    who = subject("kind", "pipeline")
    assert may([role, binding], who, "create", "pods")
    assert not may([role, binding], who, "create", "pods", namespace="demand-serving")
    assert not may([role, binding], {**who, "namespace": "other"}, "create", "pods")


def _row(persona, role, rule):
    (group,) = rule["apiGroups"]
    resources = ", ".join(f"`{name}{'.' + group if group else ''}`" for name in rule["resources"])
    if "resourceNames" in rule:
        (name,) = rule["resourceNames"]
        resources += f" named `{name}`"
    where = role["metadata"]["namespace"]
    return (persona, f"`{where}`", resources, ", ".join(rule["verbs"]))


PERSONA_OF = {
    "demand-platform": "platform team",
    "demand-developer": "developer",
    "demand-viewer": "viewer",
    "demand-delivery": "delivery (CI/CD)",
    "pipeline-runner": "pipeline",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_table_says_what_the_roles_say(overlay):
    text = (TREE / "README.md").read_text()
    table = text.partition("## Who may do what")[2].partition("\n## ")[0]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in re.findall(r"^\|.*\|$", table, re.MULTILINE)
    ][2:]
    roles = [
        role for role in find(rendered(overlay), "Role") if role["metadata"]["name"] in PERSONA_OF
    ]
    wanted = {
        _row(PERSONA_OF[role["metadata"]["name"]], role, rule)
        for role in roles
        for rule in role["rules"]
    }
    wanted.add(("server", "`demand-serving`", "nothing", "none"))
    assert set(rows) == wanted
    assert len(rows) == len(wanted)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_has_no_rights_and_no_token(overlay):
    bound = [
        one["name"]
        for binding in find(rendered(overlay), "RoleBinding")
        for one in binding["subjects"]
    ]
    assert "demand-serving" not in bound
    (account,) = find(serving(overlay), "ServiceAccount", "demand-serving")
    assert account["automountServiceAccountToken"] is False


# Networks.


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_strangers_reach_nothing(overlay):
    for source in (STRANGER, BYSTANDER, INTERNET, pod("demand-serving")):
        for target, port in (
            (API_SERVER, 8888),
            (API_SERVER, 8887),
            (UI, 3000),
            (METADATA, 8080),
            (ENVOY, 9090),
            (STORE, 8333),
            (MYSQL, 3306),
            (STAGE, 8080),
        ):
            assert not reaches(rendered(overlay), source, target, port), (source, target)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_kfp_needs_is_open(overlay):
    manifests = rendered(overlay)
    kubernetes = first_address(overlay, "control_plane_cidr")
    for source, target, port in (
        (UI, API_SERVER, 8888),
        (UI, ENVOY, 9090),
        (UI, STORE, 8333),
        (pod(app="ml-pipeline-persistenceagent"), API_SERVER, 8888),
        (pod(app="ml-pipeline-scheduledworkflow"), API_SERVER, 8888),
        (ENVOY, METADATA, 8080),
        (pod(app="metadata-writer"), METADATA, 8080),
        (API_SERVER, METADATA, 8080),
        (API_SERVER, STORE, 8333),
        (STAGE, API_SERVER, 8887),
        (STAGE, API_SERVER, 8888),
        (STAGE, METADATA, 8080),
        (STAGE, STORE, 8333),
        (STAGE, kubernetes, 443),
        (API_SERVER, kubernetes, 443),
        (pod(app="workflow-controller"), kubernetes, 443),
        (kubernetes, API_SERVER, 8888),
        (PROMETHEUS[overlay], API_SERVER, 8888),
        (PROMETHEUS[overlay], pod(app="workflow-controller"), 9090),
    ):
        assert reaches(manifests, source, target, port), (source, target, port)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_may_ask_for_names(overlay):
    dns = Peer(pod={"k8s-app": "kube-dns"}, namespace_name="kube-system")
    for source in (STAGE, API_SERVER, UI, METADATA, BYSTANDER):
        assert reaches(rendered(overlay), source, dns, 53)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_reaches_the_database(overlay):
    """On GKE it is the way to the proxy, whose own end the platform root guards."""
    manifests = rendered(overlay)
    policies = find(manifests, "NetworkPolicy")
    labels = [d["spec"]["selector"]["matchLabels"] for d in find(manifests, "Deployment")]
    labels += [STAGE.pod, CLIENT_STAGE.pod, BYSTANDER.pod]

    def gets_out(label):
        target = PROXY_POD if overlay == "gke" else first_address(overlay, "database_cidr")
        return allows(policies, target, 3306, direction="Egress", of=label, namespace="kubeflow")

    if overlay == "kind":
        may_reach = [label for label in labels if reaches(manifests, pod(**label), MYSQL, 3306)]
    else:
        may_reach = [label for label in labels if gets_out(label)]
    assert sorted(map(str, may_reach)) == sorted(map(str, [API_SERVER.pod, METADATA.pod]))


@pytest.mark.parametrize("overlay", CLOUDS)
def test_the_bucket_is_for_stages_and_for_those_who_show_artifacts(overlay):
    manifests = rendered(overlay)
    for source in (STAGE, UI, API_SERVER):
        assert reaches(manifests, source, INTERNET, 443)
        assert not reaches(manifests, source, INTERNET, 80)
    for source in (METADATA, ENVOY, STORE, BYSTANDER, pod(app="workflow-controller")):
        assert not reaches(manifests, source, INTERNET, 443)
    # A machine of the network around the cluster that is nothing of the above.
    assert not reaches(manifests, STAGE, Peer(ip="192.168.7.7"), 443)


def test_on_a_laptop_nobody_gets_out():
    for source in (STAGE, UI, API_SERVER):
        assert not reaches(rendered("kind"), source, INTERNET, 443)


def test_tokens_of_google_come_from_the_metadata_server():
    for source in (STAGE, UI, API_SERVER):
        assert reaches(rendered("gke"), source, METADATA_SERVER, 80)
    assert not reaches(rendered("gke"), METADATA, METADATA_SERVER, 80)
    # On EKS it would be the identity of the node.
    for overlay in ("eks", "kind"):
        assert not reaches(rendered(overlay), STAGE, METADATA_SERVER, 80)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_reaches_port_8500(overlay):
    """Both ends count: ours in kubeflow, and the server's own in demand-serving.

    Where the server is in the mesh, a stage gets there through the mesh's tunnel alone.
    """
    port, closed = (8500, 15008) if overlay == "kind" else (15008, 8500)
    theirs = find(serving(overlay), "NetworkPolicy")

    def gets_there(source, port):
        caller = Peer(source.pod, {"serving-clients": "demand"}, "kubeflow")
        return reaches(rendered(overlay), source, SERVER, port) and allows(theirs, caller, port)

    assert gets_there(CLIENT_STAGE, port)
    assert not gets_there(CLIENT_STAGE, closed)
    assert not any(gets_there(source, port) for source in (STAGE, UI, API_SERVER, BYSTANDER))
    assert not reaches(rendered(overlay), CLIENT_STAGE, pod("demand-serving", app="other"), 8500)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_policy_selects_pods_that_there_are(overlay):
    labels = [
        d["spec"]["template"]["metadata"]["labels"] for d in find(rendered(overlay), "Deployment")
    ]
    labels += [STAGE.pod, CLIENT_STAGE.pod]
    for policy in find(rendered(overlay), "NetworkPolicy"):
        named = policy["spec"]["podSelector"]
        assert any(selects(named, each) for each in labels), policy["metadata"]["name"]
        for expression in named.get("matchExpressions", []):
            for value in expression.get("values", []):
                assert any(each.get(expression["key"]) == value for each in labels), value


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_upstreams_own_policies_are_gone(overlay):
    assert find(rendered(overlay), "NetworkPolicy", "seaweedfs") == []


def test_without_the_policies_everybody_gets_through():
    assert reaches([], STRANGER, MYSQL, 3306)
