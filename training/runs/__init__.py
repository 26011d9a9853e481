"""Folders of results: one lock, one atomic write, one comparison of settings; used by every training command."""
