"""Papers, from what a source says to what a reader sees of them.

In: the answers of `digest.sources`. Out: `Paper` rows with their figures and topics, one closed
edition a day, and a card for each paper: the values that mails and pages show.

Read in this order:

* ``looking``   asks the sources that are due, and notes what came of it
* ``intake``    stores an answer, each paper once however many sources list it
* ``identity``  which stored paper is meant, under any of its names
* ``matching``  works out a paper's features and topics
* ``holding``   whether the edition of a day is held: it is thin, or stale, or an operator said so
* ``editions``  freezes the waiting papers as the edition of a day
* ``claims``    which sentence of an abstract says what was done
* ``excerpts``  shortens an abstract to whole sentences, from that one on
* ``checking``  what is wrong with a sentence that a machine wrote
* ``sentences`` which sentence stands for a paper, and who says it
* ``summaries`` has the operator's language model write sentences
* ``pictures``  fetches thumbnails, draws them anew, and keeps them
* ``cards``     what a mail or a page says about one paper
* ``preview``   which papers a topic would catch, before an operator saves it
"""
