"""From sales tables to examples: one series at one cutoff, in three splits.

Read from the bottom up:

    files, readers       files of a table -> blocks of rows, with file and row number
    parsing              text and numbers -> dates, numbers, categories; what failed
    roles                which column of which table plays which role
    violations           what breaks the contract, merged into one error
    blocks               a block -> checked rows, cut by a stable hash of the series key
    assembly             the pieces of a partition -> sorted series, duplicates resolved
    lookup               static tables and the calendar, joined by key
    grid, splits         ragged histories; which cutoff belongs to which split
    features             a grid and a cutoff -> the columns of the examples
    emptiness            why a split has no example
    transforms           all of it in Beam
    component, latest    SeriesExampleGen for the pipeline; the newest examples to forecast

The modules up to `emptiness` know neither Beam nor TensorFlow.
"""
