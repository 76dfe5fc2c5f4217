import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demandcast.pipeline.capture import captured_output, screen


def test_what_libraries_say_goes_to_the_log_and_not_to_the_screen(tmp_path, capfd):
    log = tmp_path / "new" / "run.log"
    with captured_output(log):
        sys.stdout.write("python out\n")
        sys.stderr.write("python err\n")
        os.write(1, b"native out\n")
        os.write(2, b"native err\n")
        subprocess.run(["echo", "child"], check=True)
        logging.getLogger("tensorflow").info("a record")
    out, err = capfd.readouterr()
    text = log.read_text()
    for part in (
        "python out",
        "python err",
        "native out",
        "native err",
        "child",
        "INFO tensorflow: a record",
    ):
        assert part in text
        assert part not in out + err


def test_afterwards_everything_is_as_before(tmp_path, capfd):
    root = logging.getLogger()
    before = (root.level, list(root.handlers), list(sys.argv))
    with pytest.raises(ZeroDivisionError), captured_output(tmp_path / "run.log"):
        raise ZeroDivisionError
    assert (root.level, list(root.handlers), list(sys.argv)) == before
    os.write(1, b"seen again\n")
    assert capfd.readouterr().out == "seen again\n"


def test_tfx_is_heard_whatever_was_set_for_absl(tmp_path):
    absl = logging.getLogger("absl")
    before = absl.level
    absl.setLevel(logging.WARNING)
    try:
        with captured_output(tmp_path / "run.log"):
            absl.info("Running publisher")
        assert absl.level == logging.WARNING
    finally:
        absl.setLevel(before)
    assert "INFO absl: Running publisher" in (tmp_path / "run.log").read_text()


def test_the_command_line_is_hidden_from_libraries(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["demandcast", "--quiet"])
    with captured_output(tmp_path / "run.log"):
        assert sys.argv == ["demandcast"]
    assert sys.argv == ["demandcast", "--quiet"]


def test_a_log_is_appended_to(tmp_path):
    for word in ("one", "two"):
        with captured_output(tmp_path / "run.log"):
            os.write(1, word.encode())
    assert (tmp_path / "run.log").read_text() == "onetwo"


def test_the_screen_stays_reachable(tmp_path):
    code = """
import sys
from pathlib import Path
from demandcast.pipeline.capture import captured_output, screen
with screen() as stream, captured_output(Path(sys.argv[1])):
    print("hidden")
    stream.write("progress\\n")
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run.log")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("", "progress\n")
    assert (tmp_path / "run.log").read_text() == "hidden\n"


def test_a_stream_without_descriptor_is_used_as_it_is(capsys):
    with screen() as stream:
        stream.write("progress")
    assert capsys.readouterr().err == "progress"


def test_a_log_on_a_full_disk_hides_no_error():
    """Writing to /dev/full fails as on a full disk, when it is flushed and when it is closed."""

    def fail():
        with captured_output(Path("/dev/full")):
            sys.stdout.write("lost\n")
            logging.getLogger("demandcast").warning("lost too")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
