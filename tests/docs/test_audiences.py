"""Examples of the pages for each audience that need no TensorFlow.

The other ones are walked in tests/integration/test_the_pages.py.
"""

import os
import re
import subprocess

import docs_pages
import numpy as np
import pytest
from docs_pages import AUDIENCES, ROOT, apply_diff, blocks, changed_module, links
from metrics_forecasts import LEVELS, make_forecasts

from demandcast.components.metrics import statistics
from demandcast.components.metrics.point import scored_demand
from demandcast.pipeline.cli import invoke

PLATFORM = "docs/platform-teams.md"
SCIENTISTS = "docs/data-scientists.md"


def script():
    (found,) = [b.text for b in blocks("sh") if b.page == PLATFORM and b.text.startswith("#!")]
    return found


@pytest.mark.parametrize("page", AUDIENCES)
def test_the_page_is_found_from_the_readme(page):
    assert page in links("README.md")


@pytest.mark.parametrize(
    ("code", "ends_with", "forecasts", "says"),
    [
        (0, 0, True, ""),
        (1, 1, False, "platform"),
        (2, 2, False, "data"),
        (3, 3, False, "data"),
        (4, 0, True, "refused"),
        (5, 5, False, "platform"),
        (130, 130, False, ""),
    ],
)
def test_the_nightly_script_tells_the_exit_codes_apart(tmp_path, code, ends_with, forecasts, says):
    command = tmp_path / "demandcast"
    command.write_text(f'#!/bin/sh\necho "$1" >> called\n[ "$1" = run ] && exit {code}\nexit 0\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", script()],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends_with
    called = (tmp_path / "called").read_text().split()
    assert called == (["run", "forecast"] if forecasts else ["run"])
    assert says in done.stderr
    assert bool(done.stderr) == bool(says)


def test_the_script_knows_every_exit_code_of_the_command(capsys):
    assert invoke(["--help"]) == 0
    codes = re.findall(r"^ {4}(\d+) +\S", capsys.readouterr().out, re.MULTILINE)
    for code in set(codes) - {"1", "5"}:  # They are the rest.
        assert re.search(rf"\b{code}\b.*\)", script()), code


def test_the_schedule_is_a_line_of_cron():
    (line,) = [b.text.strip() for b in blocks("text") if b.page == PLATFORM and "* * *" in b.text]
    minute, hour, *days, command = line.split(None, 5)
    assert minute.isdigit()
    assert hour.isdigit()
    assert days == ["*", "*", "*"]
    assert "nightly.sh" in command


def test_the_new_metric_is_the_mean_absolute_error():
    """The entry of the diff in METRICS, from sums, beside a plain loop over periods."""
    changed = changed_module(SCIENTISTS, "components/metrics/statistics.py")
    (added,) = set(changed.METRICS) - set(statistics.METRICS)
    forecasts = make_forecasts()
    rows = statistics.example_statistics(forecasts, LEVELS)
    demand, scored = scored_demand(forecasts.actual, forecasts.scored_mask)
    median = np.asarray(forecasts.quantiles)[..., LEVELS.index(0.5)]
    missed = [abs(median[at] - demand[at]) for at in zip(*np.nonzero(scored), strict=True)]
    value = changed.METRICS[added](changed.Sums(rows.sum(axis=0)))
    np.testing.assert_allclose(value, sum(missed) / len(missed))


def test_a_diff_that_no_longer_fits_is_an_error(monkeypatch):
    """The pages cannot fall behind the code in silence."""
    (diff,) = [block.text for block in blocks("diff") if "metrics/statistics.py" in block.text]
    text = (ROOT / "components/metrics/statistics.py").read_text(encoding="utf-8")
    monkeypatch.setattr(docs_pages, "_read", lambda path: text.replace('"wape": _wape', '"w": _w'))
    with pytest.raises(AssertionError, match="holds this 0 times"):
        apply_diff(diff)
