"""The main table and its forms: Markdown, LaTeX, CSV, PNG and plain text for the terminal."""
