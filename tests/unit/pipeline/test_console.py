import doctest
import io
import logging
import time

import pytest

from demandcast.pipeline import console as module
from demandcast.pipeline.console import LOG_ONLY, Console, console_for, wants_colour
from demandcast.pipeline.reports import StageReport


class Terminal(io.StringIO):
    def isatty(self):
        return True


def report(status="run", seconds=61.0):
    return StageReport("Trainer", status, "2026-11-20T09:30:00+00:00", seconds, 3 * 2**29)


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(stream, environment, expected):
    assert wants_colour(stream, environment) is expected


def test_without_a_terminal_each_line_is_written_once_and_plain():
    stream = io.StringIO()
    console = Console(stream)
    with console.stage("Trainer", position=7, count=10):
        console.note("epoch 1")
    console.stage_finished(report(), position=7, count=10)
    first, note, last = stream.getvalue().splitlines()
    assert first == "[ 7/10] Trainer"
    assert note.split() == ["0.0", "s", "epoch", "1"]
    assert last.split() == ["[", "7/10]", "Trainer", "run", "1", "min", "01", "s", "1.5", "GiB"]
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_sees_colours_and_no_stage_twice():
    stream = Terminal()
    console = console_for(stream, quiet=False)
    with console.stage("Trainer", position=7, count=10):
        console.note("epoch 1")
    console.stage_finished(report("failed"), position=7, count=10)
    lines = [line.rsplit("\x1b[2K", 1)[-1] for line in stream.getvalue().split("\n")]
    assert len(lines) == 3  # The note, the result, and the end.
    assert "\x1b[31mfailed" in lines[1]


def test_the_last_line_of_a_terminal_is_renewed(monkeypatch):
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.01)
    stream = Terminal()
    console = Console(stream, colour=True)
    with console.stage("Trainer", position=7, count=10):
        time.sleep(0.2)
    assert stream.getvalue().count("[ 7/10] Trainer 0.") > 3
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_quiet_says_errors_only():
    stream = io.StringIO()
    console = Console(stream, quiet=True)
    with console.stage("Trainer", position=7, count=10):
        console.note("epoch 1")
    console.stage_finished(report(), position=7, count=10)
    console.heading("server")
    console.error("it broke")
    assert stream.getvalue() == "error: it broke\n"


def test_our_own_messages_are_shown_and_others_are_not():
    stream = io.StringIO()
    console = Console(stream)
    with console.following("demandcast"):
        logging.getLogger("demandcast.components.examples").info("read %d rows", 5)
        logging.getLogger("demandcast.components.examples").debug("detail")
        logging.getLogger("demandcast.pipeline").info("secret", extra={LOG_ONLY: True})
        logging.getLogger("tensorflow").info("noise")
    logging.getLogger("demandcast.components.examples").info("later")
    assert stream.getvalue() == "    read 5 rows\n"


def test_what_is_followed_twice_is_shown_once():
    stream = io.StringIO()
    console = Console(stream)
    logger = logging.getLogger("demandcast.components.examples")
    with console.following("demandcast"):
        with console.following("demandcast"):
            logger.info("inner")
        logger.info("outer")
    logger.info("later")
    assert stream.getvalue() == "    inner\n    outer\n"


def test_memory_of_a_cached_stage_is_not_shown():
    stream = io.StringIO()
    Console(stream).stage_finished(report("cached", 0.25), position=7, count=10)
    assert stream.getvalue().split() == ["[", "7/10]", "Trainer", "cached", "0.2", "s"]
