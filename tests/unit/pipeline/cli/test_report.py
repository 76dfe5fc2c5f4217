import yaml
from run_folders import write_run

from demandcast.pipeline.cli.main import invoke


def write_config(folder):
    path = folder / "demand.yaml"
    columns = {"series_key": ["item"], "timestamp": "date", "target": "units"}
    values = {"name": "demand", "workspace": ".", "data": {"sales": "x.csv", "columns": columns}}
    path.write_text(yaml.safe_dump(values))
    return str(path)


def test_the_newest_run_is_drawn_beside_its_files(tmp_path, capsys):
    write_run(tmp_path, "20260101-1")
    newest = write_run(tmp_path, "20260201-1")
    assert invoke(["report", "--config", write_config(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(newest / "report.html")
    assert "20260201-1" in (newest / "report.html").read_text()


def test_another_run_is_drawn_elsewhere(tmp_path, capsys):
    write_run(tmp_path, "20260101-1")
    write_run(tmp_path, "20260201-1")
    output = tmp_path / "new" / "page.html"
    arguments = ["--run", "202601", "--output", str(output)]
    assert invoke(["report", "--config", write_config(tmp_path), *arguments]) == 0
    assert "run 20260101-1" in output.read_text()


def test_an_unknown_run_is_bad_input(tmp_path, capsys):
    write_run(tmp_path, "20260101-1")
    assert invoke(["report", "--config", write_config(tmp_path), "--run", "x"]) == 2
    assert "error: run 'x': " in capsys.readouterr().err


def test_a_folder_is_no_output(tmp_path, capsys):
    write_run(tmp_path, "20260101-1")
    arguments = ["--output", str(tmp_path)]
    assert invoke(["report", "--config", write_config(tmp_path), *arguments]) == 2
    assert "is a folder" in capsys.readouterr().err
