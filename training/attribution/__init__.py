"""Attribution: which word of a text does the model's own answer depend on?

`cli` is the command `faithful-se attribute`, `run` its work in one process or many, `attributor.Attributor` the same in
memory. A text passes through these files:

- `inputs` reads the texts; `prompt/` turns them into token ids and aligns words with tokens.
- `engine/` asks the model, in batches that fit into memory.
- `methods/` turn log-probabilities and gradients into a score per word.
- `rows` ranks the words and makes the row; `folder` and `resume` keep the rows on disk.
"""
