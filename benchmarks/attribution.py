"""Word attributions against captum's own wrappers for language models, and against the raw model.

    python benchmarks/attribution.py                       # 2M and 60M random models, CPU, about ten minutes
    python benchmarks/attribution.py --sizes 2m --examples 8 --rounds 3
    python benchmarks/attribution.py --device cuda --shape 7b   # texts per second in bfloat16, share of the peak
    python benchmarks/attribution.py --model MODEL --data mini  # a trained model: which methods find occlusion's word

Same texts, same prompts, same labels, one process; CPU time (the machine may be busy), the competitors take turns in
every round. `raw` runs exactly the model calls that ours made, with the same keys and values, and nothing else: what a
ratio to it leaves is rendering, tokenizing, batching and captum's own arithmetic.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lm_eval_tasks.calls import Document, TaskSpec
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.options import Options
from training.attribution.attribute import Attributor
from training.attribution.forward import Forward
from training.attribution.options import AttributionOptions

SHAPES = {
    "2m": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 6, "num_attention_heads": 4},
    "60m": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12, "num_attention_heads": 8},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
}
VOCABULARY = {"2m": 4096, "60m": 32000, "7b": 32000}

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

# Texts for those who have none at hand: lengths of tweets, words of many lengths.
COMMON = (
    "the a of and to in is it you that he was for on are with as his they be at one have this from or had by hot but "
    "some what there we can out other were all your when up use word how said an each she which do their time if will "
    "way about many then them would write like so these her long make thing see him two has look more day could go "
    "come did my sound no most number who over know water than call first people may down side been now find any new "
    "work part take get place made live where after back little only round man year came show every good me give our "
    "under name very through just form much great think say help low line before turn cause same mean differ move "
    "right boy old too does tell sentence set three want air well also play small end put home read hand port large "
    "spell add even land here must big high such follow act why ask men change went light kind off need house picture"
)
WORDS = COMMON.split()


def texts_of(arguments: argparse.Namespace) -> list[Document]:
    if arguments.data:
        rows = load(dataset_spec("sentiment140"), arguments.data, "train").select(range(arguments.examples * 3))
        found = [dataset_spec("sentiment140").document(row) for row in rows]
        return [document for document in found if len(document.words) > 1][: arguments.examples]
    rng = random.Random(0)
    return [Document({"text": " ".join(rng.sample(WORDS, rng.randint(8, 22)))}) for _ in range(arguments.examples)]


def tokenizer_of(spec: TaskSpec, documents: list[Document]) -> Any:
    """A byte-level BPE of the prompts: as with real tokenizers, common words and the labels are one token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        special_tokens=["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    prompts = [spec.classify(document.fields).messages[-1][1] for document in documents]
    bpe.train_from_iterator([*prompts, " ".join(WORDS), *["\n".join(spec.question.labels)] * 50], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<|pad|>", eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


def model_of(shape: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    # A spread of weights that makes words matter; speed does not depend on it.
    config = LlamaConfig(
        vocab_size=VOCABULARY[shape], tie_word_embeddings=shape != "7b", initializer_range=0.05, **SHAPES[shape]
    )
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = LlamaForCausalLM(config).eval().requires_grad_(False)
    torch.set_default_dtype(torch.float32)
    return model


class Recorder:
    """Remembers the model calls of a run, to make them again without anything around."""

    def __init__(self) -> None:
        self.calls: list[tuple[Forward, Any, Any, Any, Any, bool]] = []

    def __enter__(self) -> Recorder:
        self._states, calls = Forward._states, self.calls

        def states(forward: Forward, embeds: Any, mask: Any, position: Any, past: Any) -> Any:
            if embeds.shape[0] * embeds.shape[1] > 0:
                calls.append((forward, embeds.detach(), mask, position, past, torch.is_grad_enabled()))
            return self._states(forward, embeds, mask, position, past)

        Forward._states = states  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: Any) -> None:
        Forward._states = self._states  # type: ignore[method-assign]

    def replay(self) -> None:
        for forward, embeds, mask, position, past, gradients in self.calls:
            past.kept = []
            with torch.set_grad_enabled(gradients):
                embeds = embeds.clone().requires_grad_(gradients)
                hidden = forward.backbone(
                    inputs_embeds=embeds,
                    attention_mask=mask,
                    position_ids=position,
                    past_key_values=past,
                    use_cache=True,
                ).last_hidden_state
                value = forward.head(hidden[:, -1]).float().log_softmax(-1)[:, 0]
                if gradients:
                    torch.autograd.grad(value.sum(), embeds)

    def tokens(self) -> int:
        return sum(call[1].shape[0] * call[1].shape[1] for call in self.calls)


class Peers:
    """captum's wrappers for language models, one text at a time, on the same rendered prompts."""

    def __init__(self, model: Any, attributor: Attributor, documents: list[Document], rows: list[Any]) -> None:
        self.model, self.fast = model, attributor.renderer.tokenizer
        self.renderer, self.documents = attributor.renderer, documents
        tree = attributor.forward.tree
        self.targets = [torch.tensor(tree.paths[tree.labels.index(row["prediction"])]) for row in rows]

    def warm_up(self) -> None:
        """One text through everything: caches and allocators. Ours ran when its calls were recorded."""
        documents, self.documents = self.documents, self.documents[:1]
        targets, self.targets = self.targets, self.targets[:1]
        self.gradients(2)
        self.ablation()
        self.documents, self.targets = documents, targets

    def gradients(self, steps: int) -> None:
        from captum.attr import LayerIntegratedGradients, LLMGradientAttribution, TextTokenInput

        wrapped = LLMGradientAttribution(
            LayerIntegratedGradients(self.model, self.model.get_input_embeddings()), self.fast
        )
        for document, target in zip(self.documents, self.targets, strict=True):
            text = TextTokenInput(self.renderer.render(document.fields), self.fast)
            wrapped.attribute(text, target=target, n_steps=steps)

    def inseq(self, steps: int) -> None:
        """inseq's Integrated Gradients (it stands on captum), forced to the same answers."""
        import inseq

        self.fast.bos_token = self.fast.bos_token or "<|user|>"  # inseq's baseline and its decoding need one
        wrapped = inseq.load_model(self.model, "integrated_gradients", tokenizer=self.fast)
        for document, target in zip(self.documents, self.targets, strict=True):
            prompt = self.renderer.render(document.fields)
            answer = prompt + self.fast.decode(target)
            wrapped.attribute(prompt, answer, n_steps=steps, internal_batch_size=steps, show_progress=False)

    def ablation(self, in_tokens: bool = True) -> list[str]:
        """The top word of each text, by its key."""
        from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput

        wrapped, tops = LLMAttribution(FeatureAblation(self.model), self.fast), []
        for document, target in zip(self.documents, self.targets, strict=True):
            pieces, last = [self.renderer.pieces[0]], 0
            text = document.fields["text"]
            for word in document.words:
                pieces[-1] += text[last : word.start]
                pieces.append("")
                last = word.end
            pieces[-1] += text[last:] + self.renderer.pieces[1]
            template = "{}".join(piece.replace("{", "{{").replace("}", "}}") for piece in pieces)
            values = [word.text for word in document.words]
            masks = [self.renderer.spec.options.mask] * len(values)
            told = wrapped.attribute(
                TextTemplateInput(template, values, baselines=masks), target=target, forward_in_tokens=in_tokens
            )
            tops.append(document.words[int(told.seq_attr.argmax())].key)
        return tops


def cpu_seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(size: str, documents: list[Document], arguments: argparse.Namespace) -> list[str]:
    spec = TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword", Options())
    fast, model = tokenizer_of(spec, documents), model_of(size)

    def ours(method: str, **settings: Any) -> Attributor:
        options = AttributionOptions(method, target="logprob", **settings)
        return Attributor(model, fast, spec, options, token_budget=arguments.token_budget)

    attributors = {
        "ig": ours("ig", steps=arguments.steps),
        "whole": ours("occlusion", pool=False, suffix_only=False),
        "suffix": ours("occlusion", pool=False),
        "default": ours("occlusion"),
        "cascade": ours("cascade"),
    }
    rows, recorded = {}, {}
    for name, attributor in attributors.items():
        attributor.rows(documents[:1])  # the check against the whole model, once
        with Recorder() as recorder:
            rows[name] = attributor.rows(documents)
        recorded[name] = recorder
    peers = Peers(model, attributors["ig"], documents, rows["ig"])
    tops: list[str] = []
    work: dict[str, Callable[[], Any]] = {
        **{name: (lambda a=attributor: a.rows(documents)) for name, attributor in attributors.items()},
        **{f"raw {name}": recorder.replay for name, recorder in recorded.items()},
        "captum ig": lambda: peers.gradients(arguments.steps),
        "captum ig 50": lambda: peers.gradients(50),
        "inseq ig": lambda: peers.inseq(arguments.steps),
        "captum ablation": lambda: tops.__setitem__(slice(None), peers.ablation()),
        "captum ablation, one pass": lambda: peers.ablation(in_tokens=False),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    if find_spec("inseq") is None:
        del work["inseq ig"]
        print("inseq is not installed: left out", file=sys.stderr)
    if arguments.without_50:
        del work["captum ig 50"]
    peers.warm_up()
    for round_ in range(arguments.rounds):
        for name, run in work.items():
            times[name].append(cpu_seconds(run))
        print(f"{size}: round {round_ + 1} of {arguments.rounds} done", file=sys.stderr)
    middle = {name: statistics.median(values) for name, values in times.items() if values}

    count, words = len(documents), sum(len(document.words) for document in documents) / len(documents)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    # Exact ties aside, both see the same model: same scores, same word.
    best = [max(row["words"], key=lambda word: word["score"])["key"] for row in rows["suffix"]]
    same = sum(mine == top for mine, top in zip(best, tops, strict=True))
    lines = [
        f"### {parameters:.1f}M parameters, {count} texts, {words:.1f} words each",
        "",
        "| comparison | peer, s | ours, s | raw, s | peer / ours | ours / raw | peer / raw |",
        "|---|---|---|---|---|---|---|",
    ]

    def line(what: str, peer: str, mine: str) -> None:
        if peer not in middle:
            return
        a, b, c = middle[peer], middle[mine], middle[f"raw {mine}"]
        ratios = sorted(x / y for x, y in zip(times[peer], times[mine], strict=True))
        spread = f"{a / b:.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        lines.append(f"| {what} | {a:.2f} | {b:.2f} | {c:.2f} | {spread} | {b / c:.2f} | {a / c:.2f} |")

    steps = arguments.steps
    line(f"IG, {steps} steps, against `LLMGradientAttribution`, {steps} steps", "captum ig", "ig")
    line(f"IG, {steps} steps, against `inseq`, {steps} steps", "inseq ig", "ig")
    line(
        "pooled occlusion, every prompt recomputed behind the prefix, against `FeatureAblation`",
        "captum ablation",
        "whole",
    )
    line("the same, against `FeatureAblation` with `forward_in_tokens=False`", "captum ablation, one pass", "whole")
    line("suffix-only occlusion against `FeatureAblation`", "captum ablation", "suffix")
    line("the default (occlusion of words) against captum's default (IG, 50 steps)", "captum ig 50", "default")
    line("`cascade` against captum's default (IG, 50 steps)", "captum ig 50", "cascade")
    line(f"IG, {steps} steps, against captum's default (IG, 50 steps)", "captum ig 50", "ig")

    def agreement(one: list[Any], other: list[Any]) -> str:
        equal = sum(a["top"]["key"] == b["top"]["key"] for a, b in zip(one, other, strict=True))
        return f"{equal} of {len(one)}"

    more = ours("ig", steps=50).rows(documents)
    lines += [
        "",
        f"Top word equal: occlusion and captum's `FeatureAblation` {same} of {count}; "
        f"IG {steps} and 50 steps {agreement(rows['ig'], more)}; "
        f"`cascade` and occlusion {agreement(rows['cascade'], rows['default'])}. "
        f"Tokens through the model: IG {recorded['ig'].tokens()}, occlusion {recorded['whole'].tokens()}, "
        f"suffix-only {recorded['suffix'].tokens()}, default {recorded['default'].tokens()}.",
        "",
    ]
    return lines


def on_device(arguments: argparse.Namespace, documents: list[Document]) -> list[str]:
    """Texts per second of a model with random weights, and its share of what the device could do."""
    spec = TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword", Options())
    device, dtype = arguments.device, torch.bfloat16
    fast, model = tokenizer_of(spec, documents), model_of(arguments.shape, device, dtype)
    parameters = sum(p.numel() for name, p in model.named_parameters() if "embed" not in name)
    peak = _peak(device, dtype)
    lines = [
        f"### {arguments.shape}, bfloat16, random weights, {_machine(device)}",
        "",
        "| method | texts per second | share of the measured peak |",
        "|---|---|---|",
    ]
    for method, steps in (("occlusion", 16), ("cascade", 16), ("ig", 16), ("ig", 32)):
        attributor = Attributor(
            model, fast, spec, AttributionOptions(method, steps=steps), token_budget=arguments.token_budget
        )
        attributor.rows(documents[:8])
        with Recorder() as recorder:
            attributor.rows(documents[:32])
        forward = sum(call[1].shape[0] * call[1].shape[1] * (1 if not call[5] else 2) for call in recorder.calls)
        # A frozen model's backward pass is one more multiplication for each of the forward pass.
        operations = 2 * parameters * forward / min(32, len(documents)) * len(documents)
        _finish(device)
        start = time.perf_counter()
        attributor.rows(documents)
        _finish(device)
        seconds = time.perf_counter() - start
        name = f"{method}, {steps} steps" if method == "ig" else method
        lines.append(f"| {name} | {len(documents) / seconds:.1f} | {operations / seconds / peak:.0%} |")
    return [*lines, ""]


AGREEING: dict[str, dict[str, Any]] = {
    "occlusion": {},
    "cascade": {},
    "ig, 8 steps": {"steps": 8},
    "ig, 16 steps": {"steps": 16},
    "ig, 32 steps": {"steps": 32},
    "ig, 128 steps": {"steps": 128},
    "ixg": {},
    "random": {},
}


def trained(arguments: argparse.Namespace) -> list[str]:
    """How often each method's top word is occlusion's, and how often masking it changes the answer."""
    from training.attribution.loading import load_model

    model, fast = load_model(arguments.model, dtype="float32", device=arguments.device)
    lines = [
        "| dataset | method | word of occlusion | word of IG, 128 steps | flips | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for task in arguments.tasks:
        dataset = dataset_spec(task)
        rows = load(dataset, arguments.data, "train")
        documents = [dataset.document(row) for row in rows.select(range(min(arguments.examples, len(rows))))]
        spec = TaskSpec(dataset.question, "attribution", "oneword", Options())
        told: dict[str, list[Any]] = {}
        seconds: dict[str, float] = {}
        for name, settings in AGREEING.items():
            options = AttributionOptions(name.partition(",")[0], check_flips=True, **settings)
            attributor = Attributor(model, fast, spec, options)
            start = time.process_time()
            told[name] = list(attributor.rows(documents))
            seconds[name] = time.process_time() - start
        for name, found in told.items():
            equal = [
                sum(a["top"]["key"] == b["top"]["key"] for a, b in zip(found, told[other], strict=True)) / len(found)
                for other in ("occlusion", "ig, 128 steps")
            ]
            flips = sum(bool(row["flips"]) for row in found) / len(found)
            lines.append(f"| {task} | {name} | {equal[0]:.3f} | {equal[1]:.3f} | {flips:.3f} | {seconds[name]:.2f} |")
    return lines


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: what this device reaches at best."""
    size = 8192 if device.startswith("cuda") else 1024
    a = torch.randn(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(10):
        _finish(device)
        start = time.perf_counter()
        a @ a
        _finish(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def _machine(device: str = "cpu") -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {torch.get_num_threads()} thread"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["2m", "60m"], choices=["2m", "60m"])
    parser.add_argument("--examples", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--without-50", action="store_true", help="leave out captum's IG of 50 steps, the slowest")
    parser.add_argument("--token-budget", type=int, default=0)
    parser.add_argument("--data", help="a folder of real text, as for --metadata data=; made-up texts without it")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", help="a trained model: agreement of the methods instead of speed")
    parser.add_argument("--tasks", nargs="+", default=["sentiment140", "snli", "agnews"], help="with --model")
    parser.add_argument("--shape", choices=list(SHAPES), help="only texts per second, on --device, in bfloat16")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        torch.set_num_threads(1)
    names = ("torch", "transformers", "captum")
    print(f"{date.today()}, {_machine(arguments.device)}, " + ", ".join(f"{n} {version(n)}" for n in names) + "\n")
    if arguments.model:
        print("\n".join(trained(arguments)))
        return
    documents = texts_of(arguments)
    if arguments.shape:
        print("\n".join(on_device(arguments, documents)))
        return
    for size in arguments.sizes:
        print("\n".join(measure(size, documents, arguments)), flush=True)


if __name__ == "__main__":
    main()
