"""The documents that answers of all styles are about, and what is made of them."""

from __future__ import annotations

# The tweet that is rewritten.
TWEET = {"text": "@anna I love my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5"}
#                   0   1 2    3  4     5      6   7    8     9  10  11   12      13
REDACTED = "@anna I [REDACTED] my dog's phone, [REDACTED] it!! http://bit.ly/x1 #happy & 3.5"
EDITED = TWEET["text"].replace("love", "hate")

# The tweet of which words are named.
HAPPY = {"text": "@anna I love my new phone, it's great!! LOVE it & don't cry http://bit.ly/x1 #happy 3.5"}

PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is awake."}
REDACTED_PAIR = "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis: The [REDACTED] is awake."
EDITED_PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is asleep."}
SHOWN_PAIR = "Premise: A man is sleeping on a bench.\nHypothesis: The man is asleep."
