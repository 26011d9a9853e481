"""Loading models, tokenizers and adapters, and their fingerprint."""
