"""The sentence of an abstract that says what was done. Pure.

Abstracts begin with what others did and what is missing. What readers want to know comes after it:
"we propose …", "this paper shows …", "a method is presented", or at least a result. Only English
is known; an abstract in another language is shown from its beginning.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_WE = (
    r"\b(?:we|i|the\s+(?:authors?|(?:present\s+)?(?:paper|article|thesis|study|survey))"
    r"|(?:this|our|the\s+(?:present|current))\s+(?:\w+[ -]){0,2}?(?:paper|work|study|article"
    r"|report|survey|review|thesis|research|letter|chapter|essay|tutorial|note|dissertation"
    r"|investigation|analysis|perspective)"
    r"|our\s+(?:\w+[ -]){0,2}?(?:approach|method|framework|contribution|project|dataset|benchmark"
    r"|system|model|theory|algorithm))\b"
)
# Between the subject and its verb: "we therefore also", "this paper aims to".
_BETWEEN = (
    r"(?:,?\s+(?:\w+ly|also|then|first|next|here|thus|hence|therefore|instead|further|now|both"
    r"|aims?\s+to|seeks?\s+to|attempts?\s+to|tr(?:y|ies)\s+to|set\s+out\s+to|take\s+a\s+step\s+to"
    r"|go(?:es)?\s+beyond|can|are\s+the\s+first\s+to|is\s+the\s+first\s+to|fill\s+this\s+gap\s+by"
    r"|(?:address|tackle|bridge|overcome)(?:es)?\s+[^,.;]{0,80}?\s+by),?){0,3}\s+"
)
_PROPOSING = (
    r"(?:propos|introduc|present(?:s|ed)?\b|develop|design|devis|unveil|buil[dt]|creat|construct"
    r"|put\s+forward|pioneer)"
)
_MAKING = (
    r"(?:releas|describ|establish|formulat|launch|contribut|open-?sourc|curat|offer|provid|outlin"
    r"|deriv|prov(?:e|es|ing)\b|instantiat|formali[zs]|collect|craft|adapt|extend|generali[zs]"
    r"|reformulat|recast|revisit|repurpos|implement|synthesi[zs]|combin|summari[zs]|introduc)"
)
_STUDYING = (
    r"(?:study|studies|investigat|explor|examin|analy[sz]|survey|review|show|demonstrat|find|finds"
    r"|found|report|argu|reveal|discover|evaluat|benchmark|identif|observ|train|address|tackle"
    r"|conduct|carry\s+out|carried\s+out|measur|compar|assess|quantif|apply|applies|employ|characteri[sz]"
    r"|determin|perform|test|model|estimat|obtain|solve|detect|uncover|ask|challeng|advocat|propos"
    r"|comput|calculat|simulat|discuss|consider|focus|highlight|leverag|use|utili[sz]|suggest"
    r"|predict|search|map|classif|infer|constrain|improv|achiev|optimi[sz]|enabl|replac|reduc"
    r"|decompos|systemati[sz]|theori[sz]e|frame|treat|trace|view|confirm|establish|fine-?tun|start"
    r"|prob(?:e|es|ing)\b|disentangl|unif(?:y|ies)|address|answer|aims?\b|seeks?\b|shed)"
)
_MADE = (
    r"(?:propos|introduc|present|develop|design|describ|deriv|establish|construct|releas|creat"
    r"|formulat|devis|built|implement|provid|prov(?:ed|en)|suggest|given|constructed)"
)
_DONE = (
    r"(?:investigat|studi|shown|demonstrat|analy[sz]|examin|explor|evaluat|observ|found|obtain"
    r"|report|compar|test|perform|conduct|carried|us|appli|measur|validat|discuss|consider"
    r"|estimat|determin|identif|solv|train|address|calculat|comput|detect|achiev)"
)
_NEW_THING = (
    r"\b(?:is|are)\s+(?:an?|the\s+first|our)\s+(?:[\w-]+[ ,-]+){0,5}?(?:framework|method|model"
    r"|approach|system|benchmark|dataset|pipeline|algorithm|architecture|library|toolkit|suite"
    r"|agent|paradigm|corpus|environment|platform|family|technique|strategy|foundation\s+model)s?\b"
)
_RESULT = (
    r"\b(?:results?|experiments?|evaluations?|simulations?|findings?|analys[ei]s|evidence"
    r"|observations?|studies|tests?)\b[^.;]{0,120}?\b(?:show|demonstrat|indicat|reveal|suggest"
    r"|confirm|validat|prove|highlight|establish|uncover|illustrat|support|verif|achiev|outperform)"
    r"|\boutperform|\bachiev(?:es|ed|ing)\b|\bstate-of-the-art\b|\bimprov(?:es|ed)\b.{0,80}\bby\b"
    r"|\bsurpass(?:es|ed|ing)\b|\b(?:\d|\.)+\s?[%×x]"
)
# What others did, or what is commonly done.
_OTHERS = re.compile(
    r"\b(?:ha(?:s|ve)\s+(?:\w+ly\s+)?(?:been|shown|demonstrated|emerged|achieved|proposed|revealed"
    r"|become|made)|(?:existing|previous|prior|recent|current|traditional|conventional|earlier|most"
    r"|many|several|other)\s+(?:[\w-]+\s+){0,3}?(?:works?|methods?|approaches|studies|models?"
    r"|systems?|benchmarks?|techniques?|research|efforts?|advances?|progress|solutions?"
    r"|frameworks?|datasets?|evaluations?|pipelines?|algorithms?|agents?|literature))\b",
    re.IGNORECASE,
)
# What is hoped, needed or known already, and where the code is.
_IDLE = re.compile(
    r"\b(?:we|i)\s+(?:know|need|live|believe|hope|refer|thank|want|are\s+witnessing|previously)\b"
    r"|https?:|\b(?:code|data(?:set)?s?|models?|weights|checkpoints)\b.{0,80}\bavailable\b"
    r"|\b(?:we|i)\s+(?:also\s+)?(?:open-?sourc|releas|publi(?:sh|c))",
    re.IGNORECASE,
)
# What comes after something else that was done.
_LATER = re.compile(
    r"^(?:second|third|finally|lastly)(?:ly)?,"
    r"|\b(?:we|i)\s+(?:also|further|furthermore|additionally|finally|then)\b",
    re.IGNORECASE,
)
# Words that lead from what was said before to "we propose …".
_LEADING = re.compile(
    r"(?:(?:to|toward|towards|for|by|with|in|on|from|motivated|inspired|based|building|guided|driven)"
    r"\s[^,.;:()]{0,50}?\b(?:this|these|such|those|here|so)\b[^,.;:()]{0,40}|however|therefore|thus"
    r"|hence|instead|accordingly|consequently|finally|moreover|furthermore|additionally),\s+"
    r"(?:here,?\s+)?(?=(?:we|this|the|our|i)\s)",
    re.IGNORECASE,
)


def _pattern(text: str) -> "re.Pattern[str]":
    return re.compile(text, re.IGNORECASE)


# What says it best comes first; of several sentences of one kind, the first counts.
_CLEAR = (
    _pattern(rf"{_WE}{_BETWEEN}{_PROPOSING}"),
    _pattern(rf"{_WE}{_BETWEEN}(?:{_MAKING}|{_STUDYING})"),
    _pattern(r"\bwe\s+\w+"),
)
_LIKELY = (
    _pattern(rf"\b(?:is|are|was|were)\s+(?:\w+ly\s+|then\s+|also\s+)?{_MADE}"),
    _pattern(r"\b(?:here|herein|in\s+this\s+\w+)\b,?\s+\w+"),
    _pattern(_NEW_THING),
    _pattern(rf"\b(?:is|are|was|were)\s+(?:\w+ly\s+|then\s+|also\s+)?{_DONE}"),
    _pattern(_RESULT),
)


class Claim(NamedTuple):
    """Which sentence says what was done, and where in it the words that say so begin."""

    sentence: int
    start: int


def find_claim(sentences: Sequence[str]) -> Claim | None:
    """Return where the sentences say what was done; None if none of them does."""
    busy = [one for one in enumerate(sentences) if not _IDLE.search(one[1])]
    return (
        _first(_CLEAR, busy, but=_LATER)
        or _first(_CLEAR, busy)
        or _first(_LIKELY, busy, but=_OTHERS)
        or _first(_CLEAR, list(enumerate(sentences)))
    )


def without_lead(sentence: str) -> str:
    """Return the sentence without what only leads to it: "To this end, we …" becomes "We …"."""
    match = _LEADING.match(sentence)
    if match is None:
        return sentence
    rest = sentence[match.end() :]
    return rest[:1].upper() + rest[1:]


def _first(
    patterns: Sequence["re.Pattern[str]"],
    sentences: Sequence[tuple[int, str]],
    *,
    but: "re.Pattern[str] | None" = None,
) -> Claim | None:
    """Return the first sentence of the first kind, of those without what they must not have."""
    for pattern in patterns:
        for number, sentence in sentences:
            match = pattern.search(sentence)
            if match and not (but and but.search(sentence)):
                return Claim(number, match.start())
    return None
