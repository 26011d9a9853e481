"""The page of a board: one HTML file that works offline."""
