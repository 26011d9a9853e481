"""Stamps of caches: older ones, other versions, other users, two runs at once, what a server says of itself."""

from __future__ import annotations

import json
import logging
import os
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.model import CachingLM

from faithful_se.errors import UsageError
from lm_eval_tasks import answer_settings, cli, served_model
from lm_eval_tasks.cache_stamp import KEY, SAME_VERSIONS, TRUST, check_cache
from lm_eval_tasks.fingerprint import model_fingerprint
from lm_eval_tasks.rule_models import RuleLM


def stamped(path: Path, stamp: str) -> Path:
    """A cache as an older version stamped it."""
    cache = CachingLM(RuleLM("honest"), str(path))
    cache.dbdict[KEY] = stamp
    cache.dbdict.close()
    return path


def test_the_stamp_of_an_older_version_is_refused_unless_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lm = RuleLM("honest")
    path = stamped(tmp_path / "c", model_fingerprint(lm))
    with pytest.raises(UsageError, match=r"without its tokenizer and settings.*give another path; .*--trust_cache"):
        check_cache(CachingLM(lm, str(path)))
    monkeypatch.setenv(TRUST, "1")
    with pytest.raises(UsageError, match=r"written by another model \(model: RuleLM .* -> RuleLM .*h.*\)"):
        check_cache(CachingLM(RuleLM("honest", h=0.5), str(path)))
    with caplog.at_level(logging.WARNING):
        check_cache(CachingLM(lm, str(path)))
    assert "its answers are taken as they are" in caplog.text
    monkeypatch.delenv(TRUST)
    check_cache(CachingLM(lm, str(path)))  # stamped anew


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://me:secret@localhost:54321//v1/"])
def test_the_port_in_an_older_stamp_says_nothing(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Api(RuleLM):
        base_url, model, fingerprint = "http://localhost:8000/v1", "m", None

    monkeypatch.setenv(TRUST, "1")
    check_cache(CachingLM(Api("honest"), str(stamped(tmp_path / "c", f"Api {url} m"))))


def test_another_version_alone_warns_or_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    check_cache(CachingLM(RuleLM("honest"), str(tmp_path / "c")))
    monkeypatch.setattr(answer_settings, "version", lambda name: "9.9")
    with caplog.at_level(logging.WARNING):
        check_cache(CachingLM(RuleLM("honest"), str(tmp_path / "c")))
    assert "other versions wrote this cache (versions: lm_eval: 0." in caplog.text and "-> 9.9)" in caplog.text
    monkeypatch.setenv(SAME_VERSIONS, "1")
    with pytest.raises(UsageError, match=r"versions: lm_eval: .* -> 9.9.*give another path"):
        check_cache(CachingLM(RuleLM("honest"), str(tmp_path / "c")))


class Planted:
    """A value that runs code when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


READERS: dict[str, Callable[[Path], Any]] = {
    "lm_eval": lambda path: check_cache(CachingLM(RuleLM("honest"), f"{path}_rank0.db")),
    "faithful-se eval": lambda path: cli.main(["run", "--use_cache", str(path), "--tasks", "faithful_se"]),
}


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("how", ["another user", "everybody", "a journal"])
def test_a_cache_of_somebody_else_is_not_read(
    command: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trace = tmp_path / "c_rank0.db", tmp_path / "trace"
    cache = CachingLM(RuleLM("honest"), str(path))
    cache.dbdict.close()
    with sqlite3.connect(path) as database:
        planted = (KEY, pickle.dumps(Planted(trace)))
        database.execute("INSERT INTO unnamed (key, value) VALUES (?, ?)", planted)
    if how == "another user":
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    else:
        file = path if how == "everybody" else tmp_path / "c_rank0.db-wal"
        file.touch()
        file.chmod(0o666)
    reason = r"(belongs to another user \(\d+\)|can be written by everybody), .*give another path"
    with pytest.raises(UsageError, match=rf"c_rank0.db(-wal)?: this file {reason}"):
        READERS[command](tmp_path / "c")
    assert not trace.exists()


def test_options_reach_the_processes_that_lm_eval_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (TRUST, SAME_VERSIONS):
        monkeypatch.setenv(variable, "")
    monkeypatch.setattr("lm_eval.__main__.cli_evaluate", lambda: seen.extend(cli.sys.argv))
    monkeypatch.setattr(cli.sys, "argv", [])
    seen: list[str] = []
    (tmp_path / "c_rank0.db").touch(0o666)
    (tmp_path / "c_rank0.db").chmod(0o666)
    cli.main(["run", "--trust_cache", f"--use_cache={tmp_path}/c", "--same_versions"])
    assert seen == ["lm_eval", "run", f"--use_cache={tmp_path}/c"]
    assert (os.environ[TRUST], os.environ[SAME_VERSIONS]) == ("1", "1")


def test_a_new_cache_is_the_users_alone_whatever_the_mask(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        for _ in range(2):
            check_cache(CachingLM(RuleLM("honest"), str(tmp_path / "c")))
    finally:
        os.umask(mask)
    assert (tmp_path / "c").stat().st_mode & 0o007 == 0o004


def test_of_two_runs_that_start_at_once_only_one_model_is_served(tmp_path: Path) -> None:
    caches = [CachingLM(RuleLM("honest", h=h), str(tmp_path / "c")) for h in (0.1, 0.2)]

    def checked(cache: CachingLM) -> str:
        try:
            check_cache(cache)
        except UsageError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(checked, caches))
    assert outcomes[0] == "" and "written by another model" in outcomes[1]


def test_two_runs_of_one_model_at_once_give_each_answer_of_one(tmp_path: Path) -> None:
    class Echo(RuleLM):
        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            answers = []
            for request in requests:
                answers.append(f"answer to {request.args[0]}")
                self.cache_hook.add_partial("generate_until", request.args, answers[-1])
            return answers

    def asked(cache: CachingLM) -> list[str]:
        check_cache(cache)
        return list(cache.generate_until(requests))

    settings = {"until": [], "do_sample": False}
    requests = [Instance("generate_until", {}, (f"prompt {number}", settings), 0) for number in range(40)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(asked, [CachingLM(Echo("honest"), str(tmp_path / "c")) for _ in range(2)]))
    expected = [f"answer to prompt {number}" for number in range(40)]
    assert both == [expected, expected]
    assert asked(CachingLM(Echo("honest"), str(tmp_path / "c"))) == expected


@contextmanager
def serving(body: bytes, hang: bool = False) -> Iterator[str]:
    """A server with this list of models; its address."""
    done = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v1/models"
            if hang:
                done.wait(5)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    finally:
        done.set()
        server.shutdown()
        server.server_close()


def checked_with(url: str, cache: Path, **arguments: Any) -> dict[str, str] | None:
    pytest.importorskip("tenacity")
    from lm_eval.models.openai_completions import LocalChatCompletion

    lm = LocalChatCompletion(base_url=url, model="m", max_retries=1, **arguments)
    check_cache(CachingLM(lm, str(cache)))
    return served_model.served_model(lm)


def models(**model: Any) -> bytes:
    return json.dumps({"data": [{"id": "other"}, {"id": "m", "object": "model", **model}]}).encode()


def test_a_server_is_what_it_says_of_itself_and_not_its_port(tmp_path: Path) -> None:
    with serving(models(root="/a", created=1)) as url:
        assert checked_with(url, tmp_path / "c") == {"id": '"m"', "root": '"/a"'}
    with serving(models(root="/a", created=2, permission=[{"id": "x"}])) as url:
        checked_with(url, tmp_path / "c")
        with pytest.raises(UsageError, match=r"\(seed: 1234 -> 7\)"):
            checked_with(url, tmp_path / "c", seed=7)
    with serving(models(root="/b")) as url, pytest.raises(UsageError, match=r'server: root: "/a" -> "/b"'):
        checked_with(url, tmp_path / "c")
    assert checked_with("http://127.0.0.1:9/v1/chat/completions", tmp_path / "c") is None  # silence refuses nothing


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"data": 5}', b'{"data": [5]}', b'{"data": []}', b"[" * 9999, b'{"error": "x"}', b"\xff"],
)
def test_a_list_of_models_that_cannot_be_read_says_nothing(body: bytes, tmp_path: Path) -> None:
    with serving(body) as url:
        assert checked_with(url, tmp_path / "c") is None


def test_a_server_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_model, "SECONDS", 0.1)
    with serving(models(root="/a"), hang=True) as url:
        assert checked_with(url, tmp_path / "c") is None
