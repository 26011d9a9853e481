"""A server on this machine that answers as a script says: rightly, or with one of the misbehaviours of real servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HTML = "<html><body><h1>It works!</h1></body></html>"


class Reply(NamedTuple):
    """What a server sends: a status, a type, bytes."""

    body: Any  # bytes, or a value that is sent as JSON
    status: int = 200
    kind: str = "application/json"
    length: int = 0  # bytes that are announced beyond those that come


def chat(message: Any, **choice: Any) -> Reply:
    return Reply({"choices": [{"index": 0, "message": message, **choice}]})


def saying(text: str) -> Reply:
    return chat({"role": "assistant", "content": text}, finish_reason="stop")


# Read as the answer "positive".
READ = {
    "no_index": Reply({"choices": [{"message": {"content": "positive"}}]}),
    "other_index": Reply({"choices": [{"index": 7, "message": {"content": "positive"}}]}),
    "parts": chat({"content": [{"type": "text", "text": "posi"}, {"type": "text", "text": "tive"}]}),
    "parts_with_thought": chat(
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Is it negative? No."}], "closed": True},
                {"type": "text", "text": "positive"},
            ]
        }
    ),
    "thought_beside": chat({"content": "positive", "reasoning_content": "Is it negative? No."}),
    "text_plain": Reply({"choices": [{"index": 0, "message": {"content": "positive"}}]}, kind="text/plain"),
    "error_null": Reply({"error": None, "choices": [{"index": 0, "message": {"content": "positive"}}]}),
}
# No answer: the problem that the transcript names.
FAILED = {
    "null": (chat({"content": None}), "no answer from the server (null)"),
    "no_content": (chat({"role": "assistant"}), "no answer from the server (null)"),
    "thought_alone": (
        chat({"content": None, "reasoning_content": "positive, I think"}, finish_reason="length"),
        "no answer from the server (a thought alone)",
    ),
    "refusal": (chat({"content": None, "refusal": "I cannot."}), "no answer from the server (a refusal)"),
    "filter": (chat({"content": ""}, finish_reason="content_filter"), "no answer from the server (its content filter)"),
    "error": (Reply({"error": {"message": "overloaded"}}), "no answer from the server (an error)"),
}
# One line: what it names.
STOPS = {
    "no_choices": (Reply({"choices": []}), 'it has 0 choices for 1 prompts: {"choices": []}'),
    "two_choices": (
        Reply({"choices": [{"index": place, "message": {"content": "positive"}} for place in (0, 1)]}),
        'it has 2 choices for 1 prompts: {"choices": [{"index": 0, "message": {"content": "positive"}}',
    ),
    "number": (Reply(5), "it has no list of choices: 5"),
    "no_message": (Reply({"choices": [{"index": 0, "message": None}]}), "it has a choice without a message: {"),
    "content_number": (chat({"content": 5}), "it has an answer that is no text: {"),
    "html": (Reply(HTML.encode(), kind="text/html"), f"it is no JSON: {HTML}"),
    "empty": (Reply(b""), "it is no JSON: it is empty"),
    "cut_off": (Reply(b'{"choices": [{"ind'), 'it is no JSON: {"choices": [{"ind'),
}
# Lost on the way: lm-eval tries again, then one line.
LOST = {
    "status_500": (Reply({"error": "down"}, status=500), "the server does not answer (500"),
    "status_429": (Reply({"error": "slow down"}, status=429), "the server does not answer (429"),
    "broken_off": (Reply(b'{"choices"', length=100), "the server does not answer ("),
}


@contextmanager
def serving(script: Callable[[int, dict[str, Any]], Reply]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve on loopback, and give the address and the list that requests are added to.

    Args:
        script: takes the number of a request and its payload, returns the reply.
    """
    payloads: list[dict[str, Any]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                payloads.append(payload)
                reply = script(len(payloads) - 1, payload)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(body) + reply.length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions", payloads
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
