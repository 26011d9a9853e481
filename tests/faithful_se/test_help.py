"""Help that is read: examples of every command, eval's options, sft on one screen; completion; doctor."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
from dataclasses import fields

import pytest

from faithful_se import cli, completion, doctor
from lm_eval_tasks.eval_help import OWN_OPTIONS, help_text, wants_help
from lm_eval_tasks.options import Options


def help_of(command: str) -> str:
    """What `faithful-se COMMAND --help` prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        cli.main([command, "--help"])
    return output.getvalue()


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_two_examples_and_fits(command):
    example = rf"^  +(?:accelerate launch .* |eval \"\$\()?faithful-se {command}\b"
    text = help_of(command)
    assert len(re.findall(example, text, re.MULTILINE)) >= 2
    ours = text.partition("arguments of lm_eval:")[0]
    assert max(map(len, ours.splitlines())) <= 120


class TestEval:
    def test_ours_comes_first_and_lm_evals_after_it(self):
        text = help_of("eval")
        places = [text.index(part) for part in ("examples:", "\noptions of the tasks", "--plan ", "--num_fewshot")]
        assert places == sorted(places)

    def test_every_option_is_there_with_its_default(self):
        text = help_text()
        for line in ("data=hub  ", "controls=random  ", "unknown=false  ", "mask=[REDACTED]  ", "draws=2  "):
            assert f"\n  {line}" in text
        assert all(f"\n  {field.name}=" in text for field in fields(Options))
        assert all(f"\n  {option} " in text for option in OWN_OPTIONS)
        assert max(map(len, text.splitlines())) <= 120

    @pytest.mark.parametrize(
        ("arguments", "ours"),
        [
            ([], True),
            (["--help"], True),
            (["run", "-h"], True),
            (["run"], True),
            (["ls", "--help"], False),
            (["--tasks", "x"], False),
        ],
    )
    def test_which_help_is_ours(self, arguments, ours):
        assert wants_help(arguments) is ours


class TestSft:
    def test_a_screen_with_what_is_true(self):
        from trl import ModelConfig, SFTConfig

        from training.sft.cli import DataArguments, read_arguments

        text = help_of("sft")
        assert len(text.splitlines()) <= 45 and "faithful-se sft --help-all lists every argument of TRL" in text
        names = set(re.findall(r"--(\w+)(?=[ ,)])", text)) - {"config", "help", "no_python", "num_processes"}
        known = {field.name for source in (DataArguments, SFTConfig, ModelConfig) for field in fields(source)}
        assert names <= known
        arguments = read_arguments(["--output_dir", "out"])
        defaults = {"num_train_epochs": 3, "max_length": 1024, "save_steps": 500, "seed": 42, "lora_r": 16}
        for option, default in defaults.items():
            (value,) = (getattr(source, option) for source in arguments if hasattr(source, option))
            assert value == default and f"(default: {default}" in text[text.index(f"--{option} ") :][:150], option

    def test_all_arguments(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["sft", "--help-all"])
        assert "--neftune_noise_alpha" in capsys.readouterr().out


def test_bash_completes_commands_options_and_tasks(tmp_path):
    script = tmp_path / "completion.bash"
    with script.open("w") as file, contextlib.redirect_stdout(file):
        assert completion.main(["bash"]) == 0
    code = (
        f'source {script}; complete_() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _shtab_faithful_se; '
        'echo "${COMPREPLY[@]}"; COMPREPLY=(); }; complete_ faithful-se st; complete_ faithful-se sft --gradient_a; '
        "complete_ faithful-se eval --tasks faithful_se_snli_r; complete_ faithful-se eval --trust_c; "
        "complete_ faithful-se build --without sn; complete_ faithful-se build --styles r"
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "study",
        "--gradient_accumulation_steps",
        "faithful_se_snli_redaction_multiword faithful_se_snli_redaction_oneword",
        "--trust_cache",
        "snli",
        "redaction",
    ]


class TestDoctor:
    def test_an_installation_that_works(self, capsys):
        assert cli.main(["doctor"]) == 0
        *findings, blank, last = capsys.readouterr().out.splitlines()
        lines = {line.split()[1]: line for line in findings}
        assert not blank and last.startswith("Nothing is wrong.")
        assert list(lines) == ["package", "core", *doctor.EXTRAS, "tasks", "GPU", "hub", "token"]
        assert "lm-eval 0.4." in lines["core"] and "torch " in lines["hf"] and "trl " in lines["train"]
        assert lines["tasks"].startswith("ok       tasks      112 tasks in ")

    def test_what_is_missing_and_what_is_too_old(self, monkeypatch):
        versions = {"torch": "1.0", "transformers": "5.23.0", "accelerate": "1.15", "peft": "0.21", "filelock": "4"}
        monkeypatch.setattr(doctor, "_version", lambda name: versions.get(name, ""))
        old = doctor.packages("hf", list(doctor.needs_of("faithful-se", "hf")), "local models")
        assert old == ("WRONG", "hf", "torch 1.0 (needs >=2.6): pip install --upgrade 'faithful-se[hf]'")
        absent = doctor.packages("sentences", list(doctor.needs_of("faithful-se", "sentences")), "sentences")
        assert absent == ("optional", "sentences", "sentencex, for sentences: pip install 'faithful-se[sentences]'")
        core = doctor.packages("core", list(doctor.needs_of("faithful-se", ""))[:1], "")
        assert core == ("WRONG", "core", "datasets is missing: pip install --upgrade 'faithful-se'")

    def test_the_last_line_counts(self):
        ok, absent, wrong = (doctor.Finding(state, state, "") for state in ("ok", "optional", "WRONG"))
        assert doctor.conclusion([ok]) == "Nothing is wrong."
        assert doctor.conclusion([ok, absent]) == "Nothing is wrong. Optional, not here: optional."
        assert doctor.conclusion([ok, wrong]) == "Wrong: WRONG."

    def test_stale_task_files(self, tmp_path, monkeypatch):
        monkeypatch.setattr(doctor, "DATASETS", tmp_path)
        (tmp_path / "faithful_se.yaml").write_text("group: faithful_se")
        state, about, text = doctor.task_files()
        assert (state, about) == ("WRONG", "tasks") and text.endswith("reinstall faithful-se (in a clone: make tasks)")
