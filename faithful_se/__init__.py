"""Are language models' explanations of their own answers true? The public Python API and the command line."""

from importlib.metadata import version

__version__ = version("faithful-se")
