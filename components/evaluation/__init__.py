"""The gate: accuracy in TFMA, overall and by slice, and a verdict in words."""
