"""Property tests find the same examples on every machine; a slow first import is no failure."""

from hypothesis import settings

settings.register_profile("metrics", deadline=None, derandomize=True)
settings.load_profile("metrics")
