"""The console script `faithful-se`: says what there is and imports only what is asked for."""

from __future__ import annotations

import sys
from importlib import import_module

# command -> (module with a `main(argv)`, what it does)
COMMANDS = {
    "eval": ("lm_eval_tasks.cli", "evaluate a model: lm_eval with the faithful_se tasks, same arguments"),
    "mini": ("training.mini.cli", "train the mini model: a small model and data of its own, no download, no GPU"),
    "attribute": ("training.attribution.cli", "score the words of texts: which one did the model's answer hang on?"),
    "build": ("training.build.cli", "attributions -> explanations that the evaluation calls faithful, as rows"),
    "sft": ("training.sft.cli", "train on the rows with TRL: LoRA by default, several GPUs by accelerate"),
    "demo": ("training.demo.cli", "everything on the mini model: evaluate, attribute, build, train, evaluate, table"),
    "board": ("leaderboards.cli", "result files -> one offline page, tables and tests of every checkpoint"),
    "compare": ("leaderboards.compare", "two checkpoints on the same documents: paired differences and what changed"),
}


def usage() -> str:
    """The help text."""
    lines = [f"  {name:<12}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: faithful-se COMMAND [ARGUMENTS]",
            "",
            "Are a language model's explanations of its own answers true? Measure it, train it, compare checkpoints.",
            "",
            "commands:",
            *lines,
            "",
            "`faithful-se COMMAND --help` explains a command. The tasks also run in plain lm_eval:",
            "  lm_eval --model hf --model_args pretrained=MODEL --tasks 'faithful_se_*' --apply_chat_template",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Run a command."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] not in COMMANDS:
        print(f"faithful-se: no command {arguments[0]!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, _ = COMMANDS[arguments[0]]
    return int(import_module(module).main(arguments[1:]) or 0)


if __name__ == "__main__":
    raise SystemExit(main())
