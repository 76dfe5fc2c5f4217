import json

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import ContractError


def test_only_the_stages_up_to_the_gate_run(config_file, pretended_run, capsys):
    calls = pretended_run()
    assert invoke(["validate", "--config", str(config_file)]) == 0
    assert calls[0][1].until == "gate"
    assert "The data keeps the contract and the schema." in capsys.readouterr().out


def test_what_continuity_found_is_printed(config_file, pretended_run, capsys, tmp_path, artifact):
    file = tmp_path / "value"
    file.write_text("no earlier data to compare with")
    pretended_run(stage="DataContinuity", outputs={"finding": artifact(str(file))})
    assert invoke(["validate", "--config", str(config_file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "The data keeps the contract and the schema.",
        "No earlier data to compare with.",
    ]


def test_as_json(config_file, pretended_run, capsys):
    pretended_run()
    assert invoke(["validate", "--config", str(config_file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run_id"] == "one"


def test_bad_tables_are_exit_code_2(config_file, pretended_run):
    pretended_run(error=ContractError("sales: no column 'price'"))
    assert invoke(["validate", "--config", str(config_file)]) == 2
