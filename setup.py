"""Packaging: the top-level folders are the sub-packages of one import package.

``pipeline/`` is imported as ``demandcast.pipeline``, and so on: drop the first
name of an import and you have the path. Generic names never reach
``site-packages``, where ``schema`` and ``tests`` already belong to others.
Name, version and dependencies are static and live in ``pyproject.toml``.
"""

import setuptools

NAMESPACE = "demandcast"
FOLDERS = ("pipeline", "components", "schema", "serving")

packages: list[str] = []
package_dir: dict[str, str] = {}
for folder in FOLDERS:
    package_dir[f"{NAMESPACE}.{folder}"] = folder
    packages.append(f"{NAMESPACE}.{folder}")
    packages += [f"{NAMESPACE}.{folder}.{sub}" for sub in setuptools.find_packages(folder)]

setuptools.setup(
    packages=packages,
    package_dir=package_dir,
    package_data={"": ["py.typed", "*.pbtxt", "*.yaml", "*.proto", "*.schema.json", "templates/*"]},
)
