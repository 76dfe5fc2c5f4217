"""The contract, lowest layer: columns and roles, configuration, periods, tables, feature schema."""
