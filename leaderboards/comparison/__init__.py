"""`faithful-se compare`: finds the runs of two models, compares them on shared documents, prints the result."""
