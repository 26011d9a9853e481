"""The model that the tests of attribution share."""

from tests.training.attribution.conftest import model  # noqa: F401
