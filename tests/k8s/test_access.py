"""Who may call: the rules of the manifests, applied to callers that are in order or are not."""

import pytest
import yaml
from k8s_manifests import (
    OVERLAYS,
    WITH_GATEWAY,
    Peer,
    allows,
    authorises,
    find,
    rendered,
    variant,
)

from demandcast.serving.messages import MODEL_SERVICE, PREDICTION_SERVICE

GRPC, REST, TUNNEL = 8500, 8501, 15008
CLIENT = Peer(
    pod={"serving-client": "demand"},
    namespace={"serving-clients": "demand"},
    namespace_name="replenishment",
)
IDENTITY = "cluster.local/ns/replenishment/sa/replenishment"
STRANGERS = {
    "another pod": Peer(),
    "a pod that labels itself": Peer(pod={"serving-client": "demand"}),
    "another pod beside a client": Peer(namespace={"serving-clients": "demand"}),
    "the internet": Peer(ip="203.0.113.7"),
    "a machine of the network": Peer(ip="10.1.2.3"),
}
MESHED = ("eks", "gke")


def network(overlay):
    return find(rendered(overlay), "NetworkPolicy")


def identities(overlay):
    return find(rendered(overlay), "AuthorizationPolicy")


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("port", [GRPC, REST, TUNNEL])
@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_reach_no_port(overlay, port, who):
    assert not allows(network(overlay), STRANGERS[who], port)


def test_clients_reach_the_server():
    assert allows(network("kind"), CLIENT, GRPC)
    assert allows(network("kind"), CLIENT, REST)


@pytest.mark.parametrize("overlay", MESHED)
def test_clients_reach_a_meshed_server_through_its_tunnel_only(overlay):
    assert allows(network(overlay), CLIENT, TUNNEL)
    assert not allows(network(overlay), CLIENT, GRPC)
    assert not allows(network(overlay), CLIENT, REST)


@pytest.mark.parametrize("overlay", MESHED)
@pytest.mark.parametrize("port", [GRPC, REST])
def test_in_the_mesh_the_identity_decides(overlay, port):
    assert authorises(identities(overlay), IDENTITY, port)
    for other in ("cluster.local/ns/replenishment/sa/default", "cluster.local/ns/other/sa/other"):
        assert not authorises(identities(overlay), other, port)


@pytest.mark.parametrize("overlay", MESHED)
def test_a_call_without_an_identity_is_refused(overlay):
    assert not authorises(identities(overlay), None, GRPC)
    (peers,) = find(rendered(overlay), "PeerAuthentication")
    assert peers["spec"]["mtls"] == {"mode": "STRICT"}
    (namespace,) = find(rendered(overlay), "Namespace")
    assert namespace["metadata"]["labels"]["istio.io/dataplane-mode"] == "ambient"


def test_metrics_are_the_only_thing_without_an_identity_and_only_for_googles_collectors():
    """The port is REST's as well, so the network has to keep everybody else from it."""
    (peers,) = find(rendered("gke"), "PeerAuthentication")
    assert peers["spec"]["portLevelMtls"] == {"8501": {"mode": "PERMISSIVE"}}
    assert authorises(identities("gke"), None, REST)
    assert allows(network("gke"), Peer(namespace_name="gmp-system"), REST)
    assert not allows(network("gke"), Peer(namespace_name="gmp-system"), GRPC)
    assert not allows(network("gke"), Peer(namespace_name="monitoring"), REST)
    assert not authorises(identities("eks"), None, REST)


@pytest.mark.parametrize("overlay", ["eks", "kind"])
def test_prometheus_reads_metrics_and_does_not_forecast_over_grpc(overlay):
    prometheus = Peer(namespace_name="monitoring")
    assert allows(network(overlay), prometheus, REST)
    assert not allows(network(overlay), prometheus, GRPC)


@pytest.mark.parametrize("overlay", MESHED)
def test_probes_pass_the_mesh(overlay):
    kubelet = Peer(ip="169.254.7.127")
    assert allows(network(overlay), kubelet, GRPC)
    assert allows(network(overlay), kubelet, REST)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_calls_nobody_but_dns(overlay):
    for peer in (
        Peer(pod={"k8s-app": "kube-dns"}, namespace_name="kube-system"),
        Peer(pod={"k8s-app": "node-local-dns"}, namespace_name="kube-system"),
        Peer(ip="169.254.20.10"),
    ):
        assert allows(network(overlay), peer, 53, direction="Egress")
    for peer in (CLIENT, Peer(ip="10.1.2.3"), Peer(namespace_name="kube-system")):
        assert not allows(network(overlay), peer, 443, direction="Egress")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_where_models_are_in_a_bucket_it_reaches_storage(overlay):
    reaches = overlay == "gke"
    storage, metadata = Peer(ip="142.250.1.1"), Peer(ip="169.254.169.254")
    assert allows(network(overlay), storage, 443, direction="Egress") is reaches
    assert allows(network(overlay), metadata, 80, direction="Egress") is reaches
    assert not allows(network(overlay), storage, 80, direction="Egress")
    assert allows(network(overlay), metadata, 53, direction="Egress") is reaches
    assert not allows(network(overlay), metadata, 443, direction="Egress")


def test_a_pod_that_no_policy_selects_is_open():
    """So the rules above do not pass because the helper refuses everything."""
    assert allows([], Peer(), GRPC)
    assert authorises([], None, GRPC)
    deny = [policy for policy in network("kind") if policy["metadata"]["name"] == "default-deny"]
    assert not allows(deny, CLIENT, GRPC)
    assert not allows(deny, CLIENT, 53, direction="Egress")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """EKS with the gateway for callers from outside."""
    return list(yaml.safe_load_all(variant(tmp_path_factory.mktemp("k8s"), "eks", WITH_GATEWAY)))


def test_the_gateway_is_one_of_the_callers(gateway):
    policies = find(gateway, "AuthorizationPolicy")
    ours = [policy for policy in policies if policy["metadata"]["namespace"] == "demand-serving"]
    assert authorises(ours, "cluster.local/ns/istio-ingress/sa/istio-ingress", GRPC)
    assert authorises(ours, IDENTITY, GRPC)
    assert not authorises(ours, None, GRPC)


def test_the_gateway_denies_what_has_no_token(gateway):
    (tokens,) = find(gateway, "RequestAuthentication")
    (deny,) = find(gateway, "AuthorizationPolicy", "demand-serving-needs-a-token")
    (entry,) = find(gateway, "Gateway")
    (issuer,) = (rule["issuer"] for rule in tokens["spec"]["jwtRules"])
    assert deny["spec"]["action"] == "DENY"
    # On the very machines that take the calls, and for each way to write the name.
    assert entry["spec"]["selector"] == deny["spec"]["selector"]["matchLabels"]
    assert tokens["spec"]["selector"] == deny["spec"]["selector"]
    (rule,) = deny["spec"]["rules"]
    assert rule["from"] == [{"source": {"notRequestPrincipals": [f"{issuer}/*"]}}]
    (server,) = entry["spec"]["servers"]
    (name,) = server["hosts"]
    assert rule["to"] == [{"operation": {"hosts": [name, f"{name}:*"]}}]
    assert server["tls"]["mode"] == "SIMPLE"


def test_nobody_from_outside_changes_what_is_served(gateway):
    (routes,) = find(gateway, "VirtualService")
    (route,) = routes["spec"]["http"]
    uris = [match["uri"] for match in route["match"]]

    def reaches(path):
        return any(path == u.get("exact") or path.startswith(u.get("prefix", "\0")) for u in uris)

    reached = {
        name
        for service in (PREDICTION_SERVICE, MODEL_SERVICE)
        for name, method in service.items()
        if reaches(method.path)
    }
    assert {"Predict", "GetModelMetadata", "GetModelStatus"} <= reached
    assert "HandleReloadConfigRequest" not in reached
    assert not reaches("/v1/models/demand:predict")
    (target,) = (target["destination"] for target in route["route"])
    assert target["port"]["number"] == GRPC
    (service,) = find(gateway, "Service", target["host"].partition(".")[0])
    assert target["host"].split(".")[1] == service["metadata"]["namespace"]
