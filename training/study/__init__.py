"""A whole study from one recipe: tune, attribute, build, train, evaluate, compare. The demo is the recipe `mini`."""
