"""Where a pipeline runs: `local` is this machine."""
