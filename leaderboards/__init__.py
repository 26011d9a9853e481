"""Leaderboards of checkpoints, from the result files of lm-eval. README.md lists the files.

`build.make_board` makes a `board.Board` of folders of results. `export.write_board` writes its data, tables and page.
`comparison` compares two models. `frames` gives boards and results as polars frames.
"""
