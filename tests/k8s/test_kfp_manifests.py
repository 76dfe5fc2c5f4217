"""The overlays of Kubeflow Pipelines say what each cloud needs; values get where they belong."""

import json
import re

import pytest
import yaml
from k8s_manifests import ROOT, find, render
from kfp_manifests import (
    CLOUDS,
    OVERLAYS,
    TREE,
    UPSTREAM,
    copy_with_stubs,
    identity,
    of_upstream,
    ours,
    overlay_files,
    own,
    rendered,
    stub_names,
    text_of_overlay,
    values,
)

VERSION = "2.17.0"
PLACEHOLDER = re.compile(r"of-values-env|\b192\.0\.2\.\d+")
UNUSED = {"image_pattern", "signing_issuer", "signing_subject"}
"""Values of components that are not in the list, and are tried below."""


def references():
    return [
        (path, resource)
        for path, content in overlay_files().items()
        for resource in content.get("resources", [])
        if "github.com" in resource
    ]


def one(manifests, kind, name):
    (found,) = find(manifests, kind, name)
    return found


def variant(tmp_path, overlay, component, changes=()):
    """An overlay with one more component, before those that put in values."""
    tree = copy_with_stubs(tmp_path)
    file = tree / "overlays" / overlay / "kustomization.yaml"
    text = file.read_text()
    first = "components:\n"
    assert text.count(first) == 1
    file.write_text(text.replace(first, f"{first}  - ../../components/{component}\n"))
    for old, new in changes:
        env = file.with_name("values.env")
        env.write_text(env.read_text().replace(old, new))
    return list(yaml.safe_load_all(render(file.parent)))


def test_upstream_is_referenced_by_one_tag():
    assert len(references()) == 6
    for path, reference in references():
        match = UPSTREAM.fullmatch(reference)
        assert match, (path, reference)
        assert match["tag"] == VERSION


def test_every_reference_has_a_stub_and_every_stub_a_reference():
    stubs = ROOT / "tests" / "k8s" / "stubs"
    have = {str(file.parent.relative_to(stubs)) for file in stubs.rglob("kustomization.yaml")}
    assert {UPSTREAM.fullmatch(reference)["path"] for _, reference in references()} == have


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_ours_renders_alone_and_is_in_the_overlay(overlay):
    assert {identity(m) for m in own(overlay)} == {identity(m) for m in ours(overlay)}
    assert not {identity(m) for m in own(overlay)} & stub_names()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_placeholder_is_left(overlay):
    assert not PLACEHOLDER.search(text_of_overlay(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_value_gets_somewhere(overlay, tmp_path):
    tree = copy_with_stubs(tmp_path)
    folder = tree / "overlays" / overlay
    marks = {key: f"mark-{number}.example" for number, key in enumerate(values(overlay))}
    (folder / "values.env").write_text("".join(f"{k}={v}\n" for k, v in marks.items()))
    text = render(folder)
    assert {key for key, mark in marks.items() if mark not in text} == UNUSED


def test_overlays_ask_for_the_same_values_where_they_can():
    common = set(values("kind"))
    assert common < set(values("gke"))
    assert set(values("gke")) - {"project"} == set(values("eks")) - {"region", "database_cidr"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_values_themselves_are_not_sent(overlay):
    assert find(rendered(overlay), "ConfigMap", "values") == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_readme_names_every_value(overlay):
    text = (TREE / "README.md").read_text()
    assert [key for key in values(overlay) if f"`{key}`" not in text] == []


@pytest.mark.parametrize("overlay", CLOUDS)
def test_the_database_is_the_clouds(overlay):
    manifests, given = rendered(overlay), values(overlay)
    assert find(manifests, "Deployment", "mysql") == []
    data = one(manifests, "ConfigMap", "pipeline-install-config")["data"]
    assert data["dbHost"] == data["mysqlHost"] == given["database_host"]
    assert data["dbPort"] == data["mysqlPort"] == given["database_port"] == "3306"


@pytest.mark.parametrize("overlay", CLOUDS)
def test_secrets_are_made_in_the_cluster_and_none_is_written_down(overlay):
    manifests = rendered(overlay)
    assert find(manifests, "Secret") == []
    made = {m["spec"]["target"]["name"] for m in find(manifests, "ExternalSecret")}
    assert made - {"metadata-store-config"} == {"mysql-secret", "mlpipeline-minio-artifact"}
    assert ("metadata-store-config" in made) == (overlay == "eks")
    database = one(manifests, "ExternalSecret", "mysql-secret")["spec"]
    keys = {d["secretKey"]: d["remoteRef"]["property"] for d in database["data"]}
    assert keys == {"username": "username", "password": "password"}
    given = values(overlay)["database_secret"]
    assert {d["remoteRef"]["key"] for d in database["data"]} == {given}
    store = one(manifests, database["secretStoreRef"]["kind"], database["secretStoreRef"]["name"])
    # No key of the cloud: the operator is who it is.
    assert "auth" not in str(store["spec"])
    keys = one(manifests, "ExternalSecret", "mlpipeline-minio-artifact")["spec"]
    assert set(keys["target"]["template"]["data"]) == {"accesskey", "secretkey"}
    generator = keys["dataFrom"][0]["sourceRef"]["generatorRef"]
    one(manifests, generator["kind"], generator["name"])


def test_on_aws_both_who_need_the_database_encrypt():
    manifests = rendered("eks")
    (server,) = one(manifests, "Deployment", "ml-pipeline")["spec"]["template"]["spec"][
        "containers"
    ]
    given = {entry["name"]: entry["value"] for entry in server["env"]}
    assert json.loads(given["DBCONFIG_MYSQLCONFIG_EXTRAPARAMS"]) == {"tls": "skip-verify"}
    metadata = one(manifests, "Deployment", "metadata-grpc-deployment")["spec"]["template"]["spec"]
    (volume,), (container,) = metadata["volumes"], metadata["containers"]
    (mount,) = container["volumeMounts"]
    secret = one(manifests, "ExternalSecret", "metadata-store-config")["spec"]["target"]
    assert volume["secret"]["secretName"] == secret["name"]
    ((name, text),) = secret["template"]["data"].items()
    assert f"--metadata_store_server_config_file={mount['mountPath']}/{name}" in container["args"]
    assert f'host: "{values("eks")["database_host"]}"' in text
    assert "ssl_options" in text


@pytest.mark.slow
def test_ml_metadata_reads_its_configuration():
    from google.protobuf import text_format
    from ml_metadata.proto import metadata_store_pb2

    secret = one(rendered("eks"), "ExternalSecret", "metadata-store-config")["spec"]["target"]
    (text,) = secret["template"]["data"].values()
    config = text_format.Parse(text, metadata_store_pb2.MetadataStoreServerConfig())
    mysql = config.connection_config.mysql
    assert (mysql.port, mysql.database) == (3306, "metadb")
    assert mysql.host == values("eks")["database_host"]
    assert mysql.ssl_options.capath


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cache_of_the_first_pipelines_is_gone(overlay):
    names = {m["metadata"]["name"] for m in find(rendered(overlay), "Deployment")}
    assert not {name for name in names if name.startswith("cache")}


def test_on_ones_own_machine_all_of_it_is_in_the_cluster():
    manifests = rendered("kind")
    assert find(manifests, "Deployment", "mysql")
    assert find(manifests, "Secret", "mysql-secret")
    assert find(manifests, "ExternalSecret") == find(manifests, "SecretStore") == []


@pytest.mark.parametrize(("overlay", "scheme"), [("gke", "gs"), ("eks", "s3")])
def test_artifacts_go_to_the_bucket_by_the_pods_identity(overlay, scheme):
    manifests = rendered(overlay)
    launcher = one(manifests, "ConfigMap", "kfp-launcher")["data"]
    root = values(overlay)["pipeline_root"]
    assert launcher["defaultPipelineRoot"] == root
    assert (
        one(manifests, "ConfigMap", "pipeline-install-config")["data"]["defaultPipelineRoot"]
        == root
    )
    assert root.startswith(f"{scheme}://")
    provider = yaml.safe_load(launcher["providers"])
    assert set(provider) == {scheme}
    assert provider[scheme]["default"]["credentials"] == {"fromEnv": True}
    assert provider[scheme]["default"].get("region") == values(overlay).get("region")


@pytest.mark.parametrize(
    ("overlay", "annotation"),
    [("gke", "iam.gke.io/gcp-service-account"), ("eks", "eks.amazonaws.com/role-arn")],
)
def test_three_accounts_are_somebody_in_the_cloud(overlay, annotation):
    who = {
        account["metadata"]["name"]: account["metadata"]["annotations"][annotation]
        for account in find(rendered(overlay), "ServiceAccount")
        if "annotations" in account["metadata"]
    }
    given = values(overlay)
    kfp, pipeline = given["kfp_identity"], given["pipeline_identity"]
    assert who == {"ml-pipeline": kfp, "ml-pipeline-ui": kfp, "pipeline-runner": pipeline}
    assert kfp != pipeline


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_deployment_has_limits(overlay):
    deployments = find(rendered(overlay), "Deployment")
    assert len(deployments) >= 11
    for deployment in deployments:
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            for kind in ("limits", "requests"):
                assert set(container["resources"][kind]) == {"cpu", "memory"}, deployment[
                    "metadata"
                ]


@pytest.mark.parametrize("overlay", CLOUDS)
def test_budgets_are_for_what_has_two_pods(overlay):
    manifests = rendered(overlay)
    guarded = [budget["spec"] for budget in find(manifests, "PodDisruptionBudget")]
    doubled = [d for d in find(manifests, "Deployment") if d["spec"].get("replicas") == 2]
    assert len(guarded) == len(doubled) == 3
    assert {str(budget["selector"]) for budget in guarded} == {
        str(deployment["spec"]["selector"]) for deployment in doubled
    }
    assert all(budget["maxUnavailable"] == 1 for budget in guarded)


def test_a_laptop_has_no_budgets():
    assert find(rendered("kind"), "PodDisruptionBudget") == []


def test_the_namespace_has_pod_security(tmp_path):
    text = render(copy_with_stubs(tmp_path) / "cluster-scoped")
    namespace = one(list(yaml.safe_load_all(text)), "Namespace", "kubeflow")
    assert namespace["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "serving-clients": "demand",
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_monitors_select_pods_and_ports_that_there_are(overlay):
    monitors = [
        *find(ours(overlay), "PodMonitor"),
        *find(ours(overlay), "PodMonitoring"),
    ]
    assert len(monitors) == 2
    for monitor in monitors:
        (deployment,) = [
            d
            for d in find(of_upstream(overlay), "Deployment")
            if d["spec"]["selector"] == monitor["spec"]["selector"]
        ]
        ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
        endpoints = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
        assert {e["port"] for e in endpoints} <= {port["name"] for port in ports}


def test_the_configuration_of_the_example_fits_the_cluster():
    kubeflow = yaml.safe_load((ROOT / "examples" / "kubeflow.yaml").read_text())["kubeflow"]
    for overlay in OVERLAYS:
        account = one(rendered(overlay), "ServiceAccount", kubeflow["service_account"])
        assert account["metadata"]["namespace"] == "kubeflow"


def test_stages_pull_with_a_secret_where_nodes_may_not(tmp_path):
    account = one(variant(tmp_path, "kind", "pull-secret"), "ServiceAccount", "pipeline-runner")
    assert account["imagePullSecrets"] == [{"name": "demandcast-registry"}]


def test_images_are_signed_by_whom_the_values_say(tmp_path):
    subject = values("eks")["signing_subject"]
    changes = [(subject, "https://ci.example/sign")]
    policy = one(
        variant(tmp_path, "eks", "signed-images", changes), "ClusterPolicy", "demand-signed-images"
    )
    (rule,) = policy["spec"]["rules"]
    (verify,) = rule["verifyImages"]
    assert verify["imageReferences"] == [values("eks")["image_pattern"]]
    keyless = verify["attestors"][0]["entries"][0]["keyless"]
    assert keyless["subject"] == "https://ci.example/sign"
    assert keyless["issuer"] == values("eks")["signing_issuer"]
    assert verify["failureAction"] == "Enforce"
    assert verify["required"]
    assert verify["verifyDigest"]
