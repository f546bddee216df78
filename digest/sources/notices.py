"""What is announced like a paper and is none: withdrawals, corrections, editorial matter. Pure.

A sentence counts as a withdrawal only if it speaks of the paper itself. "Withdrawn from ICLR" says
where it is not published, and a paper on retractions is a paper.
"""

import re

_WORK = (
    r"(?:(?:research|review|original)\s+)?(?:paper|article|submission|manuscript|preprint|work"
    r"|study|e-?print|version|report|note|letter|chapter|publication)"
)
_GONE = r"(?:withdrawn|retracted|removed)"
_BE = r"(?:(?:has|have)\s+(?:now\s+)?been|was|is(?:\s+being)?|had\s+to\s+be)"
# What follows where "withdrawn" is the statement and not a mere attribute.
_AFTER = (
    r"(?=\s*(?:[.,;:(!–—-]|\Z)|\s+(?:by|because|due|owing|as|at|since|for|from|until|pending|after"
    r"|following|in|on)\b)"
)
# Withdrawn from a conference: that is no end of the paper.
_ELSEWHERE = re.compile(
    rf"{_GONE}\s+(?:\w+\s+){{0,3}}?from\s+(?!(?:the\s+)?(?:\w+rxiv|preprint|publication|this"
    r"|server|journal|archive)\b)",
    re.IGNORECASE,
)
_TITLE = re.compile(
    rf"\W{{0,9}}(?:temporary\s+removal|{_GONE}(?:\s+{_WORK})?|{_WORK}\s+{_GONE})"
    r"\s*(?:[:\]).–—]|-\s|\Z)\s*(.*)"
    r"|\W{0,9}(?:(?:notice|statement)\s+of\s+|partial\s+)?(?:retraction|withdrawal|removal)s?"
    r"(?:\s+(?:note|notice|statement))?\s*(?:(?:to|of|for|on)\s+(?=[\"“‘'«]|the\s+(?:article|paper))"
    r"|(?:to|of|for)?\s*[:\]–—])\s*(?:the\s+(?:article|paper)\s+)?(.*)"
    rf"|(.{{0,400}}\S)\s*[\[(]\s*(?:this\s+{_WORK}\s+{_BE}\s+)?{_GONE}(?:\s+{_WORK})?"
    r"\s*[\])]\W{0,9}",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"[\"“„‘'«](.{5,400}?)[\"”’'»](?:\W|\Z)")
_SENTENCE = re.compile(
    rf"""\W{{0,9}}(?:(?:please\s+)?note\s+that\s+|unfortunately\s+|we\s+regret\s+that\s+)?(?:
      (?:this|the|our|present)\s+(?:present\s+)?{_WORK}\s+(?:\([^()]{{0,80}}\)\s+|\S*\d\S*\s+){{0,3}}
        {_BE}\s+(?:(?:temporarily|formally|voluntarily|officially|hereby|now|permanently)\s+)?{_GONE}\b
    | (?:this|the)\s+{_WORK}\s+(?:withdrawn|retracted){_AFTER}
    | {_WORK}\s+(?:{_BE}\s+)?{_GONE}{_AFTER}
    | (?:{_BE}\s+)?(?:{_GONE}|(?<!,\s){_GONE}\s+{_WORK}){_AFTER}
    | (?:the\s+)?(?:authors?|editors?|publisher|journal)\s+(?:[^\s.;]+\s+){{0,3}}?
        (?:withdrawn|withdrew|retracted|withdraw(?:s|ing)?|retract(?:s|ing)?)\s+
        (?:this|the|their|our|it)\b(?!\s+(?:claim|result|theorem|consent))
    | (?:the\s+)?(?:authors?|editors?)\s+(?:have\s+)?(?:request(?:s|ed)?|ask(?:s|ed)?\s+for)
        \s+(?:the\s+)?(?:withdrawal|retraction|removal)\s+of\s+(?:this|the|their)\b
    | (?:i|we)\s+(?:(?:am|have|hereby|had\s+to|must|decided\s+to|wish\s+to|are)\s+){{0,3}}
        (?:withdrawn|withdrew|retracted|withdraw(?:ing)?|retract(?:ing)?)\s+(?:this|the|our|my|it)\b
    | (?:retraction|withdrawal)(?:\s+notice\b|\s*:)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_STARTS = re.compile(r"(?:[.,;:!?]\s+|\n|\A)")
_LONGEST_COMMENT = 2000
_MOST_SENTENCES = 60
_OPENING = 300
# Notes of a publisher on an earlier paper, and what a journal prints beside papers.
_NO_PAPER = re.compile(
    r"""\W{0,9}(?:
      (?:(?:author|authors?['’]?|publisher|publisher['’]s|editorial|addendum\s+and)\s+)?corrections?
        (?:\s+notice)?\s*(?:(?:to|for)\s*(?::|\s["“‘'«]|\s.{1,60}(?:et\s+al|\(\d{4}\)))|[:\]–—]|\Z)
    | (?:erratum|errata|corrigendum|corrigenda|(?:editorial\s+)?expression\s+of\s+concern)
        \s*(?:\(.{0,60}?\)\s*)?(?:(?:to|for|on)\b|in\s*[:"“‘]|[:\].–—]|-\s|\Z)
    | (?:addendum|addenda)\s*(?:to\b|[:\]–—]|\Z)
    | (?:inside\s+)?(?:front|back)\s+(?:matter|cover)\b
    | (?:inside\s+)?cover\s+(?:image|picture|feature|art|story)\b
    | (?:(?:graphical|issue|editorial)\s+){0,2}(?:table\s+of\s+contents?|contents?(?:\s+list)?
       |masthead|editorial\s+board|issue\s+information|issue\s+highlights|in\s+this\s+issue
       |(?:author\s+|subject\s+)?index|list\s+of\s+reviewers|reviewer\s+acknowledge?ments?
       |acknowledge?ments?\s+(?:to|of)\s+reviewers|call\s+for\s+papers|announcements?|editorial
       |editors?['’]?s?\s+note|publication\s+information|cover|title\s+page|copyright\s+page
       |guest\s+editorial|(?:letter|message|note)s?\s+from\s+the\s+editors?(?:-in-chief)?
       |from\s+the\s+(?:editors?|publisher)(?:['’]s?\s+desk)?|(?:list\s+of\s+)?contributors
       |thanks?\s+to\s+(?:our\s+)?reviewers|reviewers|book\s+reviews?|news\s+(?:&|and)\s+views
       |preface|foreword|obituary|news\s+in\s+brief|about\s+the\s+authors?|advertisements?
       |instructions?\s+(?:for|to)\s+authors|calendar(?:\s+of\s+events)?)
        \s*(?:\d{4}|(?:[\[(–—|,]|-\s).{0,80})?\Z
    | publisher(?:['’]s)?\s+notes?\s*[:–—]
    | (?:amendments?|corrected\s+and\s+republished)\s*[:–—]
    | (?:(?:guest\s+)?editorial|obituary|call\s+for\s+papers|book\s+review|in\s+memoriam)\s*[:–—]
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Whether its authors or its publisher have withdrawn the paper, according to these texts."""
    return (
        _TITLE.fullmatch(title) is not None
        or _is_said_at(abstract[:_OPENING], 0)
        or _is_said(comment[:_LONGEST_COMMENT])
    )


def withdrawn_title(title: str) -> str:
    """Return the title of the paper that a title says is withdrawn; "" if it names none."""
    match = _TITLE.fullmatch(title)
    found = next(filter(None, match.groups()), "") if match else ""
    quoted = _QUOTED.match(found)
    return quoted[1] if quoted else found.strip(" \"“”„‘’'«»[]")


def is_no_paper(title: str) -> bool:
    """Whether the title is that of a correction, or of other matter that journals print."""
    return _NO_PAPER.match(title) is not None


def _is_said(comment: str) -> bool:
    """Whether any sentence of a comment says that the paper is withdrawn."""
    starts = [match.end() for match in _STARTS.finditer(comment)]
    return any(_is_said_at(comment, start) for start in starts[:_MOST_SENTENCES])


def _is_said_at(text: str, start: int) -> bool:
    match = _SENTENCE.match(text, start)
    if match is None:
        return False
    last_word = max(text.rfind(space, 0, match.end()) for space in " \n") + 1
    return _ELSEWHERE.match(text, last_word) is None
