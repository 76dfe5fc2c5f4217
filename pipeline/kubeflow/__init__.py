"""Everything that only Kubeflow Pipelines needs: from the same stages to what its servers run.

    compiling          wiring -> TFX's own compiler -> finaliser -> checks -> YAML
    ├── reach              paths that a pod can see
    ├── parameters         what a run may change without a new compilation
    ├── finaliser          what TFX's output lacks, each point with the blocker that it cures
    ├── platform_document  the second document: nodes, volumes, time-outs
    └── checking           strict parse, and everything that a server would refuse later
    entry_point        the command of every container, in front of TFX's
    └── executor_input     what the launcher hands over, made fit for TFX, and back

The blockers B0 to B10, with what shows them and where KFP causes them, are listed in
docs/kubeflow.md; each cure names its own, so that it can go when KFP or TFX changes.
"""
