"""Which word did the model's own answer hang on? Word attributions by captum's methods over one batched forward.

`attributor.Attributor` scores documents in memory, `run.attribute` writes them to a folder, `faithful-se attribute` is
the command.
"""
