"""Speed against peers and raw limits. Run from a clone; not installed."""
