"""Content of files with damage: bytes cut, flipped, doubled; values of JSON lost, swapped, nested, huge."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# What stands in the wrong place of a JSON file.
HOSTILE: list[Any] = [
    *(None, True, 5, -1, 0.5, 10**400, 1e308, float("nan"), float("inf"), "", "constructor", "__proto__", "\ud800"),
    *([], {}, [[]], ["a", "a"], {"a": None}, "x" * 5000, "positive", [1.0, 0.0, 1.0], {"label": "positive"}),
]
# What stands in the wrong place of any file.
BYTES = [
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\n\n",
    b'"',
    b",",
    b"{",
    b"[" * 2000,
    b"}",
    b"1e999",
    b"\\ud800",
]


@st.composite
def spoiled(draw: st.DrawFn, content: bytes) -> bytes:
    """The content, damaged in one to three places."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 30, 1000, 10**9])))
        middle = content[start:end]
        middle = draw(
            st.one_of(
                st.sampled_from([b"", bytes(len(middle)), middle[::-1], middle * 2, *BYTES]),
                st.binary(max_size=6),
                st.sampled_from(BYTES).map(lambda piece, middle=middle: piece + middle),
            )
        )
        content = content[:start] + middle + content[end:]
    return content


@st.composite
def spoiled_json(draw: st.DrawFn, content: Any) -> Any:
    """The content with damage in one place, at any depth."""
    keys = (
        list(content) if isinstance(content, dict) else list(range(len(content))) if isinstance(content, list) else []
    )
    if not keys or draw(st.integers(0, 5)) == 0:
        deep = content
        for _ in range(draw(st.sampled_from([1, 1, 60, 900]))):
            deep = [deep]
        return draw(st.sampled_from([*HOSTILE, deep, str(content), {"": content}, [content, content]]))
    key = draw(st.sampled_from(keys))
    copy = dict(content) if isinstance(content, dict) else list(content)
    damage = draw(st.sampled_from(["deeper"] * 6 + ["lost", "swapped", "renamed"]))
    if damage == "lost":
        del copy[key]
    elif damage == "swapped":
        other = draw(st.sampled_from(keys))
        copy[key], copy[other] = copy[other], copy[key]
    elif damage == "renamed" and isinstance(copy, dict):
        copy[draw(st.sampled_from(["", "__proto__", "constructor", key.upper(), key + "\ud800", key * 500]))] = (
            copy.pop(key)
        )
    else:
        copy[key] = draw(spoiled_json(content[key]))
    return copy
