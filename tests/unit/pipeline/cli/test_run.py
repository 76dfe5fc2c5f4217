import json

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import AnomalyError


def test_a_blessed_run_shows_stages_verdict_and_places(config_file, pretended_run, capsys):
    calls = pretended_run()
    assert invoke(["run", "--config", str(config_file), "--set", "training.epochs=3"]) == 0
    config, options = calls[0]
    assert config.training.epochs == 3
    assert options.use_cache
    out, err = capsys.readouterr()
    for part in ("Pusher", "Blessed.", "Push: pushed as version 7", "run.log", "serving"):
        assert part in out
    assert err == "progress\n"


def test_a_model_that_is_not_blessed_is_exit_code_4(config_file, pretended_run, capsys):
    pretended_run(blessed=False, reasons=("WAPE is too high",))
    assert invoke(["run", "--config", str(config_file)]) == 4
    out, err = capsys.readouterr()
    assert "Not blessed:\n  - WAPE is too high" in out
    assert err.endswith("error: the model did not pass the gate: WAPE is too high\n")


def test_a_model_whose_stock_costs_too_much_is_exit_code_4(config_file, pretended_run, capsys):
    pretended_run(cost={"blessed": 0, "reason": "stock costs 3.4 % more than that of version 12"})
    assert invoke(["run", "--config", str(config_file)]) == 4
    out, err = capsys.readouterr()
    assert "Cost check: stock costs 3.4 % more than that of version 12" in out
    assert err.endswith(
        "error: the model did not pass the cost check: stock costs 3.4 % more than that of "
        "version 12\n"
    )


def test_json_is_the_whole_report_and_nothing_else(config_file, pretended_run, capsys):
    pretended_run()
    assert invoke(["run", "--config", str(config_file), "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    values = json.loads(out)
    assert values["verdict"]["blessed"] is True
    assert values["stages"][0]["name"] == "Pusher"
    assert err == ""


def test_the_cache_can_be_refused(config_file, pretended_run):
    calls = pretended_run()
    assert invoke(["run", "--config", str(config_file), "--no-cache", "-q"]) == 0
    assert not calls[0][1].use_cache


def test_an_anomaly_is_exit_code_3(config_file, pretended_run, capsys):
    pretended_run(error=AnomalyError("column 'price'"))
    assert invoke(["run", "--config", str(config_file)]) == 3
    assert capsys.readouterr().err.endswith("error: column 'price'\n")
