"""Says whether the data keeps to the schema: the schema's import, the gate, a first schema."""
