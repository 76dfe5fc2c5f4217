"""What admission policies say about pods; runs in build/infra, which has CEL.

    python evaluate_policies.py < questions.json

Reads a list of questions, each with a ValidatingAdmissionPolicy, an operation, a pod, and the pod
before; writes for each whether the API server would let it in, as far as the policy decides.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import celpy

ENVIRONMENT = celpy.Environment()


def value_of(expression: str, context: dict[str, Any]) -> Any:
    program = ENVIRONMENT.program(ENVIRONMENT.compile(expression))
    return program.evaluate({key: celpy.json_to_cel(value) for key, value in context.items()})


def admits(question: dict[str, Any]) -> bool:
    """Whether every rule holds, or the policy does not look at all."""
    spec = question["policy"]["spec"]
    context = {
        "object": question["pod"],
        "oldObject": question.get("before"),
        "request": {"operation": question["operation"]},
    }
    if not all(value_of(c["expression"], context) for c in spec.get("matchConditions", [])):
        return True
    variables: dict[str, Any] = {}
    for variable in spec.get("variables", []):
        found = value_of(variable["expression"], {**context, "variables": variables})
        variables[variable["name"]] = [str(each) for each in found]
    context["variables"] = variables
    return all(bool(value_of(rule["expression"], context)) for rule in spec["validations"])


def main() -> None:
    sys.stdout.write(json.dumps([admits(question) for question in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
