import doctest

import pytest

from demandcast.pipeline import beam_flags as module
from demandcast.pipeline.beam_flags import beam_flags
from demandcast.schema.errors import ConfigurationError

LOCAL = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
SHARED = "--sdk_container_image=none-local-workers-share-this-environment"


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("runner", ["DirectRunner", "direct", "FnApiRunner"])
def test_the_direct_runner_is_beams_in_memory_one(runner):
    assert beam_flags([f"--runner={runner}"]) == [LOCAL, SHARED]


def test_other_options_are_kept_in_order():
    args = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    assert beam_flags(args) == [LOCAL, *args, SHARED]


@pytest.mark.parametrize("flag", ["--setup_file=/x/setup.py", "--extra_package=/x/demandcast.whl"])
def test_a_packaging_option_of_the_user_is_enough(flag):
    assert beam_flags([flag]) == [LOCAL, flag]
    args = ["--runner=DataflowRunner", flag]
    assert beam_flags(args) == args


def test_a_distributed_runner_must_say_how_workers_get_the_code():
    with pytest.raises(ConfigurationError, match=r"beam\.args: --runner=FlinkRunner needs one of"):
        beam_flags(["--runner=FlinkRunner"])


def test_the_last_runner_counts():
    args = ["--runner=DirectRunner", "--runner=SparkRunner", "--setup_file=/x/setup.py"]
    assert beam_flags(args) == args
