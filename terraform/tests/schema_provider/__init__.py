"""Providers that know the schema of the real ones and nothing else: `python -m schema_provider`."""
