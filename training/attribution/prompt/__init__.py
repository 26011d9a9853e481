"""The classification prompt as tokens: chat template, word alignment, label tokens."""
