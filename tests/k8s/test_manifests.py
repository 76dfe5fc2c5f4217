"""What the manifests say, where a schema cannot know what is right."""

import re

import pytest
import yaml
from google.protobuf import text_format
from k8s_manifests import (
    OVERLAYS,
    ROOT,
    SERVER_LABELS,
    WITH_S3,
    container,
    find,
    rendered,
    variant,
)

from demandcast.serving.messages import (
    POOL,
    BatchingParameters,
    ModelServerConfig,
    MonitoringConfig,
)

FLAGS = {
    "allow_version_labels_for_unavailable_models",
    "batching_parameters_file",
    "enable_batching",
    "enable_grpc_healthcheck_service",
    "enable_model_warmup",
    "enable_per_model_batching_parameters",
    "enable_profiler",
    "enable_serialization_as_tensor_content",
    "enable_signature_method_name_check",
    "file_system_poll_wait_seconds",
    "flush_filesystem_caches",
    "grpc_channel_arguments",
    "grpc_max_threads",
    "grpc_socket_path",
    "load_retry_interval_micros",
    "max_num_load_retries",
    "mixed_precision",
    "model_base_path",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "model_name",
    "monitoring_config_file",
    "num_load_threads",
    "num_request_iterations_for_warmup",
    "num_tflite_interpreters_per_pool",
    "num_tflite_pools",
    "num_unload_threads",
    "per_process_gpu_memory_fraction",
    "platform_config_file",
    "port",
    "prefer_tflite_model",
    "remove_unused_fields_from_bundle_metagraph",
    "rest_api_enable_cors_support",
    "rest_api_num_threads",
    "rest_api_port",
    "rest_api_timeout_in_ms",
    "saved_model_tags",
    "skip_initialize_tpu",
    "ssl_config_file",
    "tensorflow_inter_op_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_session_config_file",
    "tensorflow_session_parallelism",
    "thread_pool_factory_config_file",
    "use_alts_credentials",
    "version",
    "xla_cpu_compilation_enabled",
}
"""Of tensorflow_model_server, as its main.cc lists them; it does not start with any other."""


@pytest.fixture(params=OVERLAYS)
def manifests(request):
    return rendered(request.param)


def flags(manifests):
    return dict(argument[2:].split("=", 1) for argument in container(manifests)["args"])


def pod_spec(manifests):
    (deployment,) = find(manifests, "Deployment")
    return deployment["spec"]["template"]["spec"]


def config_map(manifests, prefix):
    (found,) = (m for m in find(manifests, "ConfigMap") if m["metadata"]["name"].startswith(prefix))
    return found


def parsed(manifests, file, message):
    """A file of a ConfigMap, as the server would read it."""
    (text,) = (m["data"][file] for m in find(manifests, "ConfigMap") if file in m["data"])
    return text_format.Parse(text, message(), descriptor_pool=POOL)


def only_model(manifests):
    (model,) = parsed(manifests, "models.config", ModelServerConfig).model_config_list.config
    return model


def milliseconds(manifests, argument):
    (found,) = re.findall(rf"{argument}=(\d+)", flags(manifests)["grpc_channel_arguments"])
    return int(found)


def test_every_object_is_in_the_namespace_of_the_overlay(manifests):
    (namespace,) = find(manifests, "Namespace")
    inside = {
        manifest["metadata"].get("namespace")
        for manifest in manifests
        if manifest["kind"] not in ("Namespace", "PersistentVolume")
    }
    assert inside == {namespace["metadata"]["name"]}


def test_the_namespace_admits_restricted_pods_only(manifests):
    (namespace,) = find(manifests, "Namespace")
    labels = namespace["metadata"]["labels"]
    assert {
        labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")
    } == {"restricted"}


def test_the_pod_is_restricted(manifests):
    pod, inner = pod_spec(manifests), container(manifests)["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert min(pod["securityContext"][f"runAs{who}"] for who in ("User", "Group")) >= 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim"}


def test_no_token_of_the_cluster_is_mounted(manifests):
    (account,) = find(manifests, "ServiceAccount")
    assert account["metadata"]["name"] == pod_spec(manifests)["serviceAccountName"] != "default"
    assert account["automountServiceAccountToken"] is False
    assert pod_spec(manifests)["automountServiceAccountToken"] is False


def test_it_writes_to_tmp_only(manifests):
    mounts = container(manifests)["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts if not mount.get("readOnly")] == ["/tmp"]  # noqa: S108


def test_flags_are_those_of_the_server(manifests):
    assert set(flags(manifests)) <= FLAGS
    assert container(manifests)["command"] == ["/usr/bin/tensorflow_model_server"]


def test_files_of_flags_are_in_mounted_folders(manifests):
    """A file under subPath would never change."""
    inner = container(manifests)
    assert not [mount for mount in inner["volumeMounts"] if "subPath" in mount]
    sources = {
        volume["name"]: volume["configMap"]["name"]
        for volume in pod_spec(manifests)["volumes"]
        if "configMap" in volume
    }
    there = {
        f"{mount['mountPath']}/{file}"
        for mount in inner["volumeMounts"]
        if mount["name"] in sources
        for file in config_map(manifests, sources[mount["name"]])["data"]
    }
    named = {value for name, value in flags(manifests).items() if name.endswith("_file")}
    assert named == there


def test_the_models_are_reloaded_in_place_and_the_rest_replaces_pods(manifests):
    assert config_map(manifests, "models-config")["metadata"]["name"] == "models-config"
    assert "immutable" not in config_map(manifests, "models-config")
    assert re.fullmatch(
        r"server-config-[a-z0-9]{10}", config_map(manifests, "server-config")["metadata"]["name"]
    )
    assert int(flags(manifests)["model_config_file_poll_wait_seconds"]) > 0


def test_the_base_itself_reloads_models_in_place():
    (config,) = (m for m in rendered("../base") if "models.config" in m.get("data", {}))
    assert config["metadata"]["name"] == "models-config"


def test_pods_start_although_there_are_labels(manifests):
    assert flags(manifests)["allow_version_labels_for_unavailable_models"] == "true"


def test_models_come_from_where_the_overlay_says(manifests):
    model = only_model(manifests)
    assert model.name == "demand"
    if model.base_path.startswith("gs://"):
        assert int(flags(manifests)["file_system_poll_wait_seconds"]) >= 30
    else:
        mounts = {mount["mountPath"]: mount for mount in container(manifests)["volumeMounts"]}
        assert mounts[model.base_path]["readOnly"] is True
        claims = {claim["metadata"]["name"] for claim in find(manifests, "PersistentVolumeClaim")}
        (volume,) = (v for v in pod_spec(manifests)["volumes"] if v["name"] == "models")
        assert {volume["persistentVolumeClaim"]["claimName"]} == claims


def test_probes(manifests):
    """gRPC's health says nothing about models; the REST port opens when they are loaded."""
    inner, model = container(manifests), only_model(manifests)
    loaded = {"path": f"/v1/models/{model.name}", "port": "http"}
    assert inner["startupProbe"]["httpGet"] == inner["readinessProbe"]["httpGet"] == loaded
    assert inner["livenessProbe"]["grpc"] == {"port": 8500}
    assert flags(manifests)["enable_grpc_healthcheck_service"] == "true"
    startup = inner["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300


def test_ports_agree(manifests):
    ports = {port["name"]: port["containerPort"] for port in container(manifests)["ports"]}
    assert ports == {
        "grpc": int(flags(manifests)["port"]),
        "http": int(flags(manifests)["rest_api_port"]),
    }
    for service in find(manifests, "Service"):
        assert service["spec"]["selector"] == SERVER_LABELS
        for port in service["spec"]["ports"]:
            assert (port["name"], port["port"]) in ports.items()
            assert port["targetPort"] == port["name"]


def test_there_is_a_name_for_all_pods(manifests):
    (headless,) = find(manifests, "Service", "demand-serving-headless")
    assert headless["spec"]["clusterIP"] == "None"
    assert "grpc" in {port["name"] for port in headless["spec"]["ports"]}
    # Clients ask for addresses again when a connection ends.
    assert milliseconds(manifests, "grpc.max_connection_age_ms") <= 60_000


def test_a_pod_goes_after_its_clients(manifests):
    """gRPC spreads the age of connections by a tenth; then they may finish their calls."""
    sleep = container(manifests)["lifecycle"]["preStop"]["sleep"]["seconds"]
    age = milliseconds(manifests, "grpc.max_connection_age_ms")
    grace = milliseconds(manifests, "grpc.max_connection_age_grace_ms")
    assert 1.1 * age + grace < 1000 * sleep
    assert pod_spec(manifests)["terminationGracePeriodSeconds"] > sleep
    # Or the server would be the first process, to which SIGTERM does nothing.
    assert pod_spec(manifests)["shareProcessNamespace"] is True


def test_batches_have_as_many_threads_as_the_pod_has_cores(manifests):
    batching = parsed(manifests, "batching.config", BatchingParameters)
    limits = container(manifests)["resources"]["limits"]
    assert str(batching.num_batch_threads.value) == limits["cpu"]
    assert batching.batch_timeout_micros.value == 0
    assert flags(manifests)["tensorflow_intra_op_parallelism"] == limits["cpu"]
    assert flags(manifests)["tensorflow_inter_op_parallelism"] == limits["cpu"]


def test_metrics_are_read_where_the_server_writes_them(manifests):
    metrics = parsed(manifests, "monitoring.config", MonitoringConfig).prometheus_config
    assert metrics.enable is True
    (monitor,) = find(manifests, "ServiceMonitor") + find(manifests, "PodMonitoring")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["path"], endpoint["port"]) == (metrics.path, "http")
    labels = monitor["spec"]["selector"]["matchLabels"]
    if monitor["kind"] == "PodMonitoring":
        (deployment,) = find(manifests, "Deployment")
        assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    else:
        selected = [
            service["metadata"]["name"]
            for service in find(manifests, "Service")
            if labels.items() <= service["metadata"]["labels"].items()
        ]
        assert selected == ["demand-serving"]


def test_replicas_belong_to_the_autoscaler(manifests):
    (deployment,), (scaler,) = (
        find(manifests, "Deployment"),
        find(manifests, "HorizontalPodAutoscaler"),
    )
    assert "replicas" not in deployment["spec"]
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    resources = [
        m["resource"]["name"] for m in scaler["spec"]["metrics"] if m["type"] == "Resource"
    ]
    assert resources == ["cpu"]
    assert container(manifests)["resources"]["requests"]["cpu"]


@pytest.mark.parametrize("overlay", ["eks", "gke"])
def test_it_scales_on_latency_too(overlay):
    (scaler,) = find(rendered(overlay), "HorizontalPodAutoscaler")
    (pods,) = (m["pods"] for m in scaler["spec"]["metrics"] if m["type"] == "Pods")
    rules = yaml.safe_load(
        (ROOT / "serving/k8s/components/latency-autoscaling/adapter-rules.yaml").read_text()
    )
    assert pods["metric"]["name"] == rules["rules"]["custom"][0]["name"]["as"]


@pytest.mark.parametrize("overlay", ["eks", "gke"])
def test_one_pod_may_be_missing_and_no_more(overlay):
    manifests = rendered(overlay)
    (budget,), (scaler,) = (
        find(manifests, "PodDisruptionBudget"),
        find(manifests, "HorizontalPodAutoscaler"),
    )
    assert budget["spec"]["selector"]["matchLabels"] == SERVER_LABELS
    assert budget["spec"]["maxUnavailable"] == 1 < scaler["spec"]["minReplicas"]
    (deployment,) = find(manifests, "Deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_pods_are_spread_over_zones_and_machines(manifests):
    constraints = pod_spec(manifests)["topologySpreadConstraints"]
    assert {c["topologyKey"] for c in constraints} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert all(c["labelSelector"]["matchLabels"] == SERVER_LABELS for c in constraints)


def test_the_image_has_a_version(manifests):
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", container(manifests)["image"])


def test_the_digest_of_the_page_reaches_the_pod(tmp_path):
    digest = "sha256:" + 64 * "5"
    text = variant(
        tmp_path,
        "eks",
        {
            "configMapGenerator:": "images:\n  - name: tensorflow/serving\n    newTag: 2.21.0\n"
            f"    digest: {digest}\nconfigMapGenerator:"
        },
    )
    image = container(list(yaml.safe_load_all(text)))["image"]
    assert image == f"tensorflow/serving:2.21.0@{digest}"


def test_the_bucket_of_s3_is_mounted_with_the_rights_of_the_pod(tmp_path):
    manifests = list(yaml.safe_load_all(variant(tmp_path, "eks", WITH_S3)))
    (volume,), (account,) = find(manifests, "PersistentVolume"), find(manifests, "ServiceAccount")
    assert volume["spec"]["csi"]["driver"] == "s3.csi.aws.com"
    assert volume["spec"]["csi"]["volumeAttributes"]["authenticationSource"] == "pod"
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    user = pod_spec(manifests)["securityContext"]["runAsUser"]
    assert f"uid={user}" in volume["spec"]["mountOptions"]
    assert "read-only" in volume["spec"]["mountOptions"]
