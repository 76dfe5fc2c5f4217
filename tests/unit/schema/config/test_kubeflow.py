"""How the compiled pipeline runs: images, places, what each stage gets."""

import pytest
from configurations import parse

from demandcast.schema.config import parse_config
from demandcast.schema.config.example import example_yaml
from demandcast.schema.config.kubeflow import BEAM_STAGES, NOT_PUSHED, STAGES
from demandcast.schema.errors import ConfigurationError

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"registry.example/demandcast@{DIGEST}"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("image", "demandcast:latest", r"named by its digest.*a tag may be moved"),
        ("gpu_image", f"demandcast:1@{DIGEST[:-1]}", r"named by its digest"),
        ("pipeline_root", "/srv/artifacts", r"gs or s3 or minio, such as gs://bucket"),
        ("pipeline_root", "https://host/x", r"gs or s3 or minio"),
        ("pipeline_root", "gs://", r"gs or s3 or minio"),
        ("stages", {"Training": {"cpu": 2}}, r"no such stage \['Training'\]; allowed: Series"),
        ("stages", {"Trainer": {"beam_args": ["--x"]}}, r"does not use Beam; allowed for Series"),
        ("stages", {"Trainer": {"cpus": 2}}, r"stages\.Trainer\.cpus: unknown key; allowed.*cpu"),
        ("stages", {"Trainer": 2}, r"stages\.Trainer: got 2"),
        ("stages", 2, r"kubeflow\.stages: got 2"),
        ("defaults", {"cpu": 0}, r"defaults\.cpu: got 0; .*greater than 0"),
        ("defaults", {"labels": {"team": "a b"}}, r"values of labels.*\['a b'\]"),
        ("defaults", {"tolerations": [{"key": "x", "effect": "Never"}]}, r"one of NoSchedule"),
        ("volumes", [{"claim": "x", "mount_path": "data"}], r"mount_path is absolute"),
        ("volumes", [{"claim": "x", "mount_path": "/gcs/"}], r"Kubeflow Pipelines mounts its own"),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{f"kubeflow.{key}": value})


def test_a_stage_gets_the_defaults_but_for_what_it_says_itself():
    config = parse(
        **{
            "kubeflow.defaults": {"cpu": 1, "labels": {"team": "demand"}},
            "kubeflow.stages": {"Trainer": {"gpus": 1, "memory_gib": 32}},
        }
    ).kubeflow
    trainer, other = config.stage("Trainer"), config.stage("Evaluator")
    assert (trainer.cpu, trainer.gpus, trainer.memory_gib) == (1, 1, 32)
    assert (other.cpu, other.gpus, other.memory_gib) == (1, 0, 8)
    assert trainer.labels == other.labels == {"team": "demand"}


def test_both_tasks_of_a_stage_get_the_same():
    stages = {"Replenisher": {"cpu": 3, "gpus": 1}, "BatchForecaster": {"memory_gib": 2}}
    config = parse(**{"kubeflow.image": IMAGE, "kubeflow.stages": stages}).kubeflow
    for name in stages:
        assert config.stage(f"{name}{NOT_PUSHED}") == config.stage(name) == config.stages[name]
        assert config.image_of(f"{name}{NOT_PUSHED}") == config.image_of(name)


def test_what_was_written_out_whole_is_read_as_the_same():
    config = parse(**{"kubeflow.stages": {"Trainer": {"gpus": 1}}}).kubeflow
    assert type(config).model_validate(config.model_dump(mode="json")) == config


def test_stages_with_gpus_take_the_image_for_them():
    gpu_image = IMAGE.replace("0", "1")
    stages = {"Trainer": {"gpus": 1}}
    both = parse(
        **{
            "kubeflow.image": IMAGE,
            "kubeflow.gpu_image": gpu_image,
            "kubeflow.stages": stages,
        }
    ).kubeflow
    assert (both.image_of("Trainer"), both.image_of("Tuner")) == (gpu_image, IMAGE)
    one = parse(**{"kubeflow.image": IMAGE, "kubeflow.stages": stages}).kubeflow
    assert one.image_of("Trainer") == IMAGE


def test_every_stage_that_uses_beam_is_a_stage():
    assert set(BEAM_STAGES) < set(STAGES)


def test_local_runs_need_none_of_it():
    assert parse_config(example_yaml()).kubeflow.image is None
