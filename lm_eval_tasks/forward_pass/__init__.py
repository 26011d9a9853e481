"""The forward pass of local models: shared keys and values, labels as a tree, batches that fit into memory.

Its modules need torch. Import them where a model is at hand, not at the top of a module.
"""
