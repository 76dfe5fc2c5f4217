"""Bad data and bad models, pushed at the pipeline on purpose: `make faults`."""
