import json

from demandcast.pipeline.cli.main import invoke


def test_tables_are_written_and_reported(tmp_path, capsys):
    sizes = ["--preset", "tiny", "--stores", "2", "--items", "3", "--periods", "100"]
    code = invoke(["sample-data", str(tmp_path / "data"), *sizes, "--format", "csv", "--json"])
    out, err = capsys.readouterr()
    assert code == 0
    result = json.loads(out)
    assert result["folder"] == str(tmp_path / "data")
    lines = (tmp_path / "data" / "sales.csv").read_text().splitlines()
    assert len(lines) == result["rows"]["sales"] + 1
    assert "rows of sales" in err


def test_quiet_says_nothing(tmp_path, capsys):
    assert invoke(["sample-data", str(tmp_path), "--preset", "tiny", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_wrong_sizes_are_all_named(tmp_path, capsys):
    assert invoke(["sample-data", str(tmp_path), "--stores", "0", "--items", "-1"]) == 2
    err = capsys.readouterr().err
    assert "stores: got 0" in err
    assert "items: got -1" in err


def test_an_unknown_preset_is_named(tmp_path, capsys):
    assert invoke(["sample-data", str(tmp_path), "--preset", "huge"]) == 2
    assert "'huge' is not one of 'tiny', 'quickstart', 'standard'" in capsys.readouterr().err
