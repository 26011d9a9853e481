"""Which word did the model's own answer hang on? Word attributions by captum's methods over one batched forward.

`training.attribution.attribute.Attributor` scores documents in memory, `training.attribution.run.attribute` writes them
to a folder, `faithful-se attribute` is the command.
"""
