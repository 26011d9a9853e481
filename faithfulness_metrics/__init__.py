"""Metrics of how faithful a self-explanation is: pure functions of plain values, float or nan out.

    words.py           what a word is, where words stand, how they are taken out of a text
    flips.py           did the answer change: `faithful`, `abstain`, `madsen`, `faithful_given_valid`
    chance.py          against random words and the best word: `lift`, `headroom`, `ccf` with its interval
    counterfactual.py  edit distance, minimality, validity under a budget, label words pasted in
    erasure.py         leave-one-out rank, comprehensiveness and sufficiency, CCT and phi-CCT
    drift.py           a trained checkpoint against its base: agreement, label entropy, unknown and unparsed rates
    plausibility.py    overlap of the named words with a person's rationale
    bootstrap.py       resampling of documents, intervals of any statistic, leaving out incomplete documents
    statistics.py      intervals of rates, paired tests, corrections, what a run could have detected

Import the module that is needed (``from faithfulness_metrics.chance import ccf``); nothing is re-exported here. A value
that does not exist is nan, never 0, and a nan that goes into a mean comes out of it: `bootstrap.complete` leaves
incomplete documents out and says how many. Neither torch nor lm_eval is imported, statsmodels only where it is used.
"""
