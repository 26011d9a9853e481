"""`python -m faithful_se`: the same as the console script."""

from faithful_se.cli import main

raise SystemExit(main())
