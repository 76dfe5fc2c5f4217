"""Names of files and the like that one package writes into an artifact, and another reads.

A file whose content is described in this package has its name beside that: `PROFILE_FILE`,
`MODEL_SERIES_FILE`, `MODEL_TRAINING_FILE`.
"""

from __future__ import annotations

__all__ = [
    "ALLOCATION_FILE",
    "ALLOCATION_TABLE_FILE",
    "COST_VERDICT_FILE",
    "ANOMALIES_FILE",
    "AUDIT_LOG_FILE",
    "BACKTEST_FILE",
    "BACKTEST_METRICS_FILE",
    "FINDING_OUTPUT",
    "FORECASTS_FILE",
    "FORECAST_EXAMPLES_FILE",
    "GOLDEN_FILE",
    "PROPOSALS_FILE",
    "PROPOSAL_FACTS_FILE",
    "PROPOSAL_PROJECTIONS_FILE",
    "PROPOSAL_SUMMARY_FILE",
    "PROPOSAL_TERMS_FILE",
    "PURCHASE_ORDERS_SCHEMA_FILE",
    "PUSH_FILE",
    "SAVED_MODEL_FILE",
    "SCHEMA_FILE",
    "SEARCH_PROPERTY",
    "SERVER_LOG_FILE",
    "SIMULATION_FILE",
    "SIMULATION_POLICIES_FILE",
    "SMOKE_TEST_FILE",
    "STATISTICS_FILE",
    "SUMMARY_FILE",
    "SUPPLIER_OUTLIERS_FILE",
    "SUPPLIER_SCORECARD_FILE",
    "TRAINING_FILE",
    "TRIALS_FILE",
    "VERDICT_FILE",
    "WARMUP_FILE",
]

SUMMARY_FILE = "summary.json"
"""Record beside the splits of the examples: rows, series, span, what each rule of transactions
took, and the examples and cutoffs of each split."""

STATISTICS_FILE = "FeatureStats.pb"
"""Statistics of a split, in its folder; the name is TFX's."""

SCHEMA_FILE = "schema.pbtxt"
"""Text of a Schema artifact; the name is TFX's."""

ANOMALIES_FILE = "SchemaDiff.pb"
"""Anomalies of a split, in its folder; the name is TFX's."""

FINDING_OUTPUT = "finding"
"""Output of DataContinuity; its artifact is a file, not a folder, with a sentence."""

TRIALS_FILE = "trials.json"
"""What the Tuner tried, in the folder of its `tuner_results`."""

SEARCH_PROPERTY = "search"
"""Property of the Tuner's `tuner_results`: name of the folder that keeps the trials."""

TRAINING_FILE = "training.json"
"""Curves and counts of the Trainer, in the folder of its `model_run`."""

VERDICT_FILE = "verdict.json"
"""What the gate decided and why, in the folder of the Evaluator's `evaluation`."""

COST_VERDICT_FILE = "cost_verdict.json"
"""What stock costs by the forecasts, and why not more, in the folder of CostJudge's `blessing`."""

FORECAST_EXAMPLES_FILE = "forecast_examples.json"
"""Some forecasts beside what was sold, in the folder of the Evaluator's `evaluation`."""

PUSH_FILE = "push.json"
"""What the Pusher did, in the folder of its `pushed_model`."""

SAVED_MODEL_FILE = "saved_model.pb"
"""File that makes a folder a SavedModel, and a numbered one a version; the name is TensorFlow's."""

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Requests that a server runs before a version is available; the name is TensorFlow Serving's."""

MAX_WARMUP_RECORDS = 1000
"""More in that file are an error to TensorFlow Serving (`saved_model_warmup_util.cc`)."""

GOLDEN_FILE = "assets.extra/golden_request.json"
"""A request and its answer, in the folder of a SavedModel (`golden_request.py`)."""

SERVER_LOG_FILE = "server.log"
"""What the server said that tried a model, beside what the stage found that started it."""

SMOKE_TEST_FILE = "smoke_test.json"
"""What the smoke test found, in the folder of its `result`."""

BACKTEST_FILE = "backtest.json"
"""What a backtest found; written last: a folder that has it is complete."""

BACKTEST_METRICS_FILE = "metrics.csv"
"""The rows of `BACKTEST_FILE` as a table."""

FORECASTS_FILE = "forecasts.parquet"
"""The forecast table (`forecast_table.py`) of a BatchForecaster, in the folder of its `forecasts`;
beside it, if a model has not seen some cutoffs, the origins table (`origins_table.py`)."""

PROPOSALS_FILE = "proposals.parquet"
"""The proposal table (`proposal_table.py`), in the folder of a proposal."""

PROPOSAL_TERMS_FILE = "proposal_terms.parquet"
"""Terms behind its lines: series key, pack_size, moq, holding_cost, stockout_cost; optional."""

PROPOSAL_FACTS_FILE = "proposals.json"
"""What the table does not say of itself (`proposal_facts.py`); written last: a folder that has it
is complete."""

AUDIT_LOG_FILE = "audit.jsonl"
"""Who decided what about orders, beside the folders of the proposals."""

PROPOSAL_SUMMARY_FILE = "proposal_summary.json"
"""What a proposal table comes to (`proposal_summary.py`), beside it."""

PROPOSAL_PROJECTIONS_FILE = "proposal_projections.json"
"""Projected stock of a few series (`stock_projections.py`), beside it."""

SIMULATION_FILE = "simulation.json"
"""What a simulation of policies found."""

SIMULATION_POLICIES_FILE = "policies.csv"
"""Its policies as a table."""

PURCHASE_ORDERS_SCHEMA_FILE = "purchase_orders.schema.json"
"""JSON schema of exported orders, in this folder: for whoever reads them."""

SUPPLIER_OUTLIERS_FILE = "supplier_outliers.csv"
"""Deliveries whose lead time is far from the others of their supplier, beside the scorecard."""

SUPPLIER_SCORECARD_FILE = "supplier_scorecard.csv"
"""How long suppliers take and whether they keep their word, in the folder of a proposal."""

ALLOCATION_TABLE_FILE = "allocation.parquet"
"""Who gets what from which warehouse (`transfer_table.py`), in the folder of an allocation."""

ALLOCATION_FILE = "allocation.json"
"""What an allocation comes to; written last: a folder that has it is complete."""
