"""Training on built rows with TRL's own trainer."""
