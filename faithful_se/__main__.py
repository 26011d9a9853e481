"""`python -m faithful_se`: the same as the console script."""

from faithful_se.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
