"""The Tuner: a bounded, resumable search of the Trainer's parameters."""
