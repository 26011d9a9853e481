"""`faithful-se show`: one text word by word, on the terminal, as a picture and from Python."""

from __future__ import annotations

import json

import pytest

import faithful_se
from faithful_se import UsageError, cli, show
from leaderboards.board import Settings
from leaderboards.build import make_board
from tests.leaderboards.result_files import TASK, row, write_run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two checkpoints; "oslo" decides the answer of `base` in text 0, and nothing that of `tuned`."""
    folder = tmp_path_factory.mktemp("results")
    write_run(folder / "base", {TASK: [row(0, 1.0), row(1, 0.0)]})
    write_run(folder / "tuned", {TASK: [row(0, 0.0, word="nice", valid=0.0), row(1, 0.0)]}, peft="out/tuned")
    return folder


HASH = row(0, 1.0)["doc_hash"]
NAME = "faithful_se_snli_attribution_oneword"


def test_effects_and_named_words(results):
    base, tuned = faithful_se.read_word_effects(results, document=HASH[:8])
    assert (base.checkpoint, base.task, base.key) == ("base", NAME, HASH)
    words = ("oslo", 0), (" ", None), ("was", 1), (" ", None), ("nice", 2), (" ", None), ("0", 3)
    assert base.fields == {"text": words}
    assert base.effects == {0: 1.0} and base.named == (0,)
    assert base.summary == "answers positive, explains oslo, then answers negative"
    assert tuned.effects == {0: 0.0} and tuned.named == ()
    assert tuned.summary == "answers positive, explains nice (not a word of the text)"


def test_the_terminal_marks_named_words_and_lists_effects(results, capsys):
    assert cli.main(["show", str(results), "--document", HASH[:6], "--checkpoint", "base"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{NAME}, base, {HASH[:16]}",
        "text: [oslo] was nice 0",
        "effects: oslo +1.00",
        "answers positive, explains oslo, then answers negative",
    ]
    (base,) = faithful_se.read_word_effects(results, document=HASH, checkpoint="base")
    assert "\x1b[1;4m\x1b[48;5;26;30moslo\x1b[0m was nice 0" in base.text(color=True)
    assert str(base) == base.text()


def test_the_hash_of_the_text_is_as_good(results):
    text_hash = json.loads(row(0, 1.0)["filtered_resps"][0])["hash"]
    assert len(faithful_se.read_word_effects(results, document=text_hash)) == 2


def test_what_a_model_says_of_words_stands_behind_its_explanation_and_in_the_card(tmp_path):
    line = row(0, 1.0)
    transcript = json.loads(line["filtered_resps"][0])
    none = {"label": None, "logprobs": None}
    transcript["simulations"] = [
        {"of": "named", "word": "oslo", "positions": [0], "changes": True, "says_so": True, "answer": "yes", **none},
        {
            "of": "random",
            "word": "was",
            "positions": [1],
            "changes": False,
            "says_so": None,
            "answer": "Who?",
            **none,
        },
    ]
    line["filtered_resps"] = [json.dumps(transcript)]
    write_run(tmp_path, {TASK: [line]})
    (text,) = faithful_se.read_word_effects(tmp_path, document=HASH)
    assert (
        str(text).splitlines()[-2:]
        == list(text.simulations)
        == [
            'would its answer change without "oslo" (named)? It says yes; it does',
            'would its answer change without "was" (random)? It says neither yes nor no (Who?); it does not',
        ]
    )
    (card,) = make_board([tmp_path], settings=Settings(draws=200))[0].documents
    assert card.entries[0].transcript[-2:] == tuple(("note", line) for line in text.simulations)


def test_pictures(results, tmp_path, capsys):
    assert cli.main(["show", str(results), "--document", HASH, "--out", str(tmp_path / "words.svg")]) == 0
    picture = (tmp_path / "words.svg").read_text("utf-8")
    assert picture.startswith("<svg") and "explains oslo, then answers negative" in picture
    assert [path.name for path in tmp_path.iterdir()] == ["words.svg"]
    capsys.readouterr()
    (base,) = faithful_se.read_word_effects(results, document=HASH, checkpoint="base")
    pieces = base.plot().to_dict()["data"]["values"]
    assert [(piece["text"], piece["score"], piece["named"]) for piece in pieces if piece["text"].strip()] == [
        ("oslo", 1.0, True),
        ("was", None, False),
        ("nice", None, False),
        ("0", None, False),
    ]


def test_attributions(tmp_path, capsys):
    words = [("good", 0, 4, 0.5), ("bad", 9, 12, -0.25)]
    line = {
        "hash": "abcdef12", "fields": {"text": "good not bad!"}, "model": "m", "method": "occlusion", "problem": "",
        "prediction": "positive", "top": {"text": "good"},
        "words": [{"text": t, "field": "text", "start": s, "end": e, "score": x} for t, s, e, x in words],
    }  # fmt: skip
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "sst2.jsonl").write_text(json.dumps(line) + "\n")
    assert cli.main(["show", str(tmp_path), "--document", "abc"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "sst2, occlusion, m, abcdef12",
        "text: good not bad!",
        "effects: good +0.50, bad -0.25",
        "answers positive; the word with the highest score is good",
    ]
    assert cli.main(["show", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("abcdef12  good not bad!\n--document HASH shows")


def test_without_a_document_the_texts_are_listed(results, capsys, monkeypatch):
    monkeypatch.setattr(show, "MOST", 1)
    assert cli.main(["show", str(results)]) == 0
    first, more, hint = capsys.readouterr().out.splitlines()
    assert first[18:] in ("oslo was nice 0", "oslo was nice 1") and more == "… and more" and "--document" in hint


def test_a_beginning_that_several_texts_share_is_said(tmp_path, capsys):
    rows = [row(0, 1.0), row(1, 0.0)]
    for number, line in enumerate(rows):
        line["doc_hash"] = f"abc{number}" + line["doc_hash"][4:]
    write_run(tmp_path, {TASK: rows})
    assert cli.main(["show", str(tmp_path), "--document", "abc"]) == 0
    output = capsys.readouterr()
    assert output.err == "faithful-se show: abc begins the hashes of 2 texts; more characters name one\n"
    assert "nice 0" in output.out and "nice 1" in output.out
    assert cli.main(["show", str(tmp_path), "--document", "abc1"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["RESULTS", "--document", "ffff"], "ffff: no text of this hash in RESULTS"),
        (["RESULTS", "--document", HASH, "--task", "rte"], f"{HASH}: no text of this hash in tasks 'rte'"),
        (["RESULTS", "--task", "snil"], "no text in tasks 'snil' of checkpoints '' in RESULTS"),
        (["RESULTS", "--checkpoint", "tunde"], "no text in tasks '' of checkpoints 'tunde' in RESULTS"),
        (["RESULTS", "--document", HASH, "--out", "a.docx"], "--out a.docx: give a name that ends in .html, .png"),
        (["/gone", "--document", HASH], "/gone: no such file or folder"),
    ],
)
def test_a_mistake_is_one_line(results, arguments, line, capsys):
    assert cli.main(["show", *(argument.replace("RESULTS", str(results)) for argument in arguments)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"faithful-se: {line.replace('RESULTS', str(results))}") and err.count("\n") == 1


def test_from_python_a_mistake_is_a_usage_error(results):
    with pytest.raises(UsageError, match="give folders of results and the hash of a document"):
        faithful_se.read_word_effects(document=HASH)
