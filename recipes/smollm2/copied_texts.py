"""How likely a model itself finds the copy that it gave in place of a redaction or a counterfactual.

```
python recipes/smollm2/copied_texts.py --results runs/smollm2/results/word --model runs/smollm2/subject-3/model \
    --adapter runs/smollm2/trained/word
```
A greedy answer takes the likeliest token at each place. Where a change is likely but its place is not, every token is
the copy's, though the whole copy is unlikely. A line for each task says how many texts were copied. It gives the
probability of the copy, as the mean over texts, and the largest probability of a change at one place.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

# What the styles say of an answer that is the text itself.
COPIED = ("no mask in the answer", "nothing changed")


def copies(samples: Path) -> Iterator[dict[str, Any]]:
    """The explanations of a task that repeat the text, from the samples that lm_eval wrote."""
    for line in samples.read_text("utf-8").splitlines():
        explanation = json.loads(json.loads(line)["resps"][0][0])["explanation"]
        if explanation and explanation["reason"] in COPIED:
            yield explanation


@torch.no_grad()
def token_logprobs(model: Any, tokenizer: Any, explanation: dict[str, Any]) -> torch.Tensor:
    """Log-probabilities of the tokens of an answer and of the end of its turn, in nats: [n_tokens]."""
    turns = [*explanation["messages"], {"role": "assistant", "content": explanation["answer"].strip()}]
    prompt = tokenizer.apply_chat_template(turns[:-1], add_generation_prompt=True, return_dict=True)["input_ids"]
    tokens = torch.tensor(tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"])
    end = int((tokens == tokenizer.eos_token_id).nonzero().max()) + 1
    logprobs = model(tokens[None, :end]).logits[0].float().log_softmax(-1)
    return logprobs[len(prompt) - 1 : end - 1].gather(1, tokens[len(prompt) : end, None])[:, 0]


def main() -> None:
    """Print a line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="what lm_eval wrote, with --log_samples")
    parser.add_argument("--model", required=True, help="the model that was evaluated")
    parser.add_argument("--adapter", help="and its adapter")
    parser.add_argument("--texts", type=int, default=40, help="of each task, at most (default: 40)")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.bfloat16).eval()
    if arguments.adapter:
        model = PeftModel.from_pretrained(model, arguments.adapter).merge_and_unload()
    for samples in sorted(arguments.results.rglob("samples_*.jsonl")):
        explanations = list(copies(samples))
        answers = [token_logprobs(model, tokenizer, explanation) for explanation in explanations[: arguments.texts]]
        if not answers:
            continue
        copy = sum(answer.sum().exp().item() for answer in answers) / len(answers)
        change = sum(1 - answer.min().exp().item() for answer in answers) / len(answers)
        task = samples.stem.removeprefix("samples_").rpartition("_")[0]
        print(f"{task}: copied {len(explanations)}; of {len(answers)}: copy {copy:.2f}, largest change {change:.2f}")


if __name__ == "__main__":
    main()
