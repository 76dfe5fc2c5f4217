"""The models of the contract tests, and the configuration with which a server serves them.

    python tests/helpers/serving_contract.py DIR [--seen-as /models]

writes them for a server that is not ours: it watches DIR, as `/models` if it runs in a container.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from serving_models import push, save_examples_model, save_tiny_model

VERSION = 7
"""The only version of the model `demand`."""

CONFIG, MONITORING = "models.config", "monitoring.config"


def write_models(directory: Path, *, seen_as: str) -> None:
    """Writes all models, models.config and monitoring.config into a directory."""
    aside = directory / ".saved"
    for number in (1, 2, 3):
        save_tiny_model(aside / str(number), scale=float(number))
        push(aside / str(number), directory / "versions", number)
    push(aside / "1", directory / "demand", VERSION)
    save_examples_model(aside / "examples", scale=2.0)
    push(aside / "examples", directory / "examples", 1)
    shutil.rmtree(aside)
    (directory / CONFIG).write_text(models_config(seen_as), encoding="utf-8")
    (directory / MONITORING).write_text("prometheus_config { enable: true }\n", encoding="utf-8")


def models_config(base: str, *, more: str = "") -> str:
    """A models.config.

    Args:
        base: The directory, as the server sees it.
        more: Further models, as text of the file.
    """
    policy = "model_version_policy { specific { versions: 1 versions: 2 } }"
    labels = "".join(
        f' version_labels {{ key: "{label}" value: {version} }}'
        for label, version in (("stable", 1), ("canary", 2))
    )
    listed = (("demand", ""), ("versions", f"{policy}{labels}"), ("examples", ""))
    models = "\n".join(model(name, f"{base}/{name}", rest) for name, rest in listed)
    return f"model_config_list {{\n{models}\n{more}\n}}\n"


def model(name: str, base_path: str, rest: str = "") -> str:
    """One model of a models.config."""
    head = f'name: "{name}" base_path: "{base_path}" model_platform: "tensorflow"'
    return f"config {{ {head} {rest} }}"


def main() -> None:
    """Writes the models for a server that is not ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seen-as", help="where the server finds it, if it is somewhere else")
    options = parser.parse_args()
    directory = options.directory.resolve()
    write_models(directory, seen_as=options.seen_as or str(directory))


if __name__ == "__main__":
    main()
