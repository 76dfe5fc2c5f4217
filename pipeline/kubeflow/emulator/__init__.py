"""Runs a compiled pipeline as Kubeflow Pipelines would, without a cluster: for tests and CI.

    server      takes the file, creates runs, walks through the tasks
    ├── versions    what differs between the releases of KFP
    ├── driver      before a pod: inputs, condition, cache, places of outputs
    ├── launcher    in a pod: download, placeholders, the command, what it left, upload
    ├── pods        a process for each attempt of a task, with an empty folder of its own
    └── store       objects behind gs://, s3:// and minio://

Written from what the real compiler, driver and launcher of KFP did (docs/kubeflow.md lists the
sources); it has their quirks on purpose, each with a test of its own. What it does not have: the
user interface, Kubernetes, and everything that TFX's compiler never writes, such as loops.
"""
