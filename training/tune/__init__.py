"""Supervised tuning on gold answers: it makes the subject of a study of a model that does not classify."""
