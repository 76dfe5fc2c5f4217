"""What Kubernetes is told of each pod; every document parses as KFP's own proto."""

import pytest
from configurations import parse
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2

from demandcast.pipeline.kubeflow.platform_document import platform_document


def pods(**changes):
    config = parse(**{f"kubeflow.{key}": value for key, value in changes.items()}).kubeflow
    document = platform_document(config, ["Trainer", "Pusher"])
    executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for pod in executors.values():
        message = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        json_format.ParseDict(pod, message)
    return executors["Trainer_executor"], executors["Pusher_executor"]


def test_by_default_pods_are_what_the_server_makes_them():
    trainer, pusher = pods()
    assert trainer == pusher == {"imagePullPolicy": "IfNotPresent"}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ({"node_selector": {"pool": "gpu"}}, {"nodeSelector": {"labels": {"pool": "gpu"}}}),
        (
            {"tolerations": [{"key": "gpu"}, {"key": "a", "value": "b", "effect": "NoSchedule"}]},
            {
                "tolerations": [
                    {"key": "gpu", "operator": "Exists"},
                    {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"},
                ]
            },
        ),
        ({"labels": {"team": "demand"}}, {"podMetadata": {"labels": {"team": "demand"}}}),
        ({"timeout_minutes": 5}, {"activeDeadlineSeconds": str(5 * 60)}),
        (
            {"disk_gib": 20},
            {
                "genericEphemeralVolume": [
                    {
                        "volumeName": "scratch",
                        "mountPath": "/scratch",
                        "accessModes": ["ReadWriteOnce"],
                        "size": "20Gi",
                        "defaultStorageClass": True,
                    }
                ]
            },
        ),
    ],
)
def test_a_stage_gets_what_it_asks_for_and_no_other_does(stage, expected):
    trainer, pusher = pods(stages={"Trainer": stage})
    assert trainer == {"imagePullPolicy": "IfNotPresent", **expected}
    assert pusher == {"imagePullPolicy": "IfNotPresent"}


def test_volumes_and_secrets_are_for_all():
    for pod in pods(
        image_pull_secret="registry",  # noqa: S106 - its name
        volumes=[{"claim": "sales", "mount_path": "/data/"}],
    ):
        assert pod["imagePullSecret"] == [{"secretName": "registry"}]
        assert pod["pvcMount"] == [{"constant": "sales", "mountPath": "/data"}]
