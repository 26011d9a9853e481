"""Folders of results: one command at a time, one run per folder, and what its files hold."""
