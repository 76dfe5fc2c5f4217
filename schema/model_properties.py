"""Custom properties of artifacts by which stages tell each other about models."""

from __future__ import annotations

__all__ = [
    "ABSENT",
    "BASELINE_DIGEST",
    "CARRIED",
    "DIGEST",
    "MODEL_DIGEST",
    "REASON",
    "VERSION",
]

ABSENT = "absent"
"""Of the baseline, a number: 1 where no model is in service."""

DIGEST = "digest"
"""Of the baseline: digest of the model in service."""

VERSION = "version"
"""Of the baseline: version under which it serves."""

CARRIED = "carried"
"""Of the baseline: `CarriedIncrease` of the models up to it, as JSON."""

MODEL_DIGEST = "model_digest"
"""Of a blessing: digest of the model that was evaluated, or checked in a server."""

REASON = "reason"
"""Of an infrastructure blessing: what the check found, in a sentence."""

BASELINE_DIGEST = "baseline_digest"
"""Of a blessing: digest of the model that served when it was given; empty if none did."""
