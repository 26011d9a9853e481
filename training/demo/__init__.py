"""Everything once, on the mini model: evaluate, attribute, build, train, evaluate again, compare."""
