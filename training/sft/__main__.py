"""`accelerate launch -m training.sft --config recipes/mini/sft.yaml …`."""

from training.sft.cli import main

raise SystemExit(main())
