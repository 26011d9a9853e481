"""Reads what lm_eval wrote: finds result files, parses them and their samples, selects the runs that count."""
