"""Training on preference pairs with TRL's own trainer."""
