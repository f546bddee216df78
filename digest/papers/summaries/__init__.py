"""Sentences about papers by the operator's own language model.

In: papers that wait for an edition. Out: `Summary` rows, of which an edition keeps those that are
there when it closes (``papers.sentences``). A model that is slow, broken or hostile costs a budget
and nothing else: no edition waits for it, and nothing that fails a check is shown.

Read in this order:

* ``making``   which papers, within the day's budget, several at once, and what came of each
* ``asking``   one request to the endpoint, and its answer
"""
