"""What a mail server's sentence is about: the reader, the message, or us.

Servers answer the same code for quite different things, so the words come first: they are compared
with phrases that servers really use. An enhanced status code (RFC 3463) decides where it is
specific, and where the words say nothing. Doubt never speaks against an address.
"""

import re

from .outcome import Meaning

_STATUS = re.compile(r"\s*[245]\.(\d{1,3}\.\d{1,3})\b[ :-]*")
# What would only mislead: addresses, quoted hosts, and advice on whom to ask.
_NOISE = re.compile(
    r"[^\s<>\"',;:()\[\]]+@[^\s<>\"',;:()\[\]]+|(?:please )?contact (?:your|the) (?:\w+ ){0,3}?"
    r"(?:administrator|provider|postmaster|support|sender)|they may be blacklisted|\?\S*"
)


def _phrases(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_SIZE = _phrases(
    r"message (?:size|length)|size (?:limit|exceed|of (?:the|this|your) message)",
    r"(?:message|mail|e-?mail|body|header|content|attachment)s? (?:is |are "
    r"|was )?too (?:big|large)",
    r"larger than|exceeds? (?:the |our )?(?:\w+ )?(?:message|mail) size",
)
# The mailbox exists, and does not take this message.
_READER = _phrases(
    r"resolver\.rst",
    r"(?:allowed|safe|permitted|blocked|accepted).?senders?\b"
    r"|blocked by (?:the )?(?:recipient|user)",
    r"(?:recipient|mailbox|user|group|list|member)s? (?:\w+ )?(?:only )?accepts? (?:mail"
    r"|messages|only)",
    r"(?:sender|you|address).{0,40}(?:to (?:send|post|write|mail)|for).{0,12}"
    r"(?:this|the|that) (?:recipient|group|mailbox|list|user|distribution)",
    r"rejected by (?:the )?(?:recipient|user)|banned recipient",
    r"(?:mailbox|inbox|user|recipient|account|box|folder)\b.{0,40}"
    r"\b(?:full|over.?quota|out of (?:disk )?(?:space|storage)|out of.{0,5}quota)",
    r"receiving (?:limit|quota|rate)|exceeded (?:its |the )?storage|storage allocation",
    r"over (?:the |its )?(?:\w+ )?quota",
    r"mailbox.{0,20}quota|quota.{0,20}mailbox|you (?:are trying|tried|wish).{0,20}receiving",
)
_LIMIT = _phrases(
    r"throttling failure|sending rate|maximum credits|(?:send|relay|submission"
    r"|outbound)\w* (?:\w+ )?"
    r"(?:quota|limit)",
    r"(?:dail|hour|day|month|minute)\w* (?:\w+ ){0,3}(?:quota|limit|maximum)",
    r"(?:quota|limits?|credits?|allowance)\b(?: \w+){0,2} (?:exceeded|reached|exhausted|used up)",
    r"exceed(?:s|ed|ing)? (?:the |your |its |our |an? )?(?:\w+ ){0,4}"
    r"(?:quota|limits?|rate|credits?|messages|e-?mails|recipients)",
    r"e-?mails? per|messages? per|per (?:hour|day|minute)",
    r"(?:out of|not enough|insufficient|no (?:more|remaining)) (?:\w+ )?credits?",
    r"too many (?:\w+ )?(?:messages|e-?mails|mails|connections|requests|log.?ins?"
    r"|attempts|sessions)",
    r"rate.?limit|throttl|sent too (?:many|much|fast)|slow down",
)
_US = _phrases(
    # relaying and authentication
    r"relay(?:ing)?(?: \w+)?(?: is| was|:)? (?:denied|disabled|forbidden|not|prohibited|refused)",
    r"(?:unable|not (?:permitted|allowed|authori[sz]ed)|cannot|can.t|won.t|not"
    r"|refus\w+)(?: to)? relay",
    r"no relay|open relay|rcpthosts|relaying (?:mail )?(?:to|for|from|through|via)|(?:a"
    r"|through a) gateway",
    r"auth\w*(?: is)?(?: \w+)? (?:required|needed|first|necessary|unsuccessful|failed|failure)",
    r"(?:turn on|enable|requires?|use|without|need\w*|missing) (?:smtp )?auth",
    r"must (?:first )?(?:authenticate|be authenticated|log ?in|issue)|(?:not|un)authenticated",
    r"authenticate|credentials|password|not logged in|log ?in (?:first|required)|api.?key",
    r"starttls|(?:tls|ssl|encryption) (?:is )?(?:required|needed)",
    # the sender
    r"\bsender('s)? (?:e-?mail )?(?:\S+ )?(?:address|domain|verif|ident|signature|policy"
    r"|reputation)",
    r"\bsender (?:\S+ )?(?:is |was |has been )?(?:rejected|refused|denied|blocked|unknown"
    r"|invalid|un\w+"
    r"|not|banned|mismatch)",
    r"(?:invalid|unknown|unverified|banned|bad|spoofed|forged) sender"
    r"|verif\w+ (?:\w+ )?(?:for |of )?"
    r"(?:the )?sender|callback (?:setup|verif)",
    r"return.?path|envelope.?(?:from|sender)|reverse.?path|mail from|from\b.?(?:address"
    r"|header|domain|field|e-?mail|parameter|is (?:invalid|not))",
    r"['\"`]from['\"`]|send(?:ing)? (?:as|on behalf)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|domainkeys|not aligned|identities failed",
    r"unverified|not (?:been )?(?:yet )?verified|verify (?:your|the) (?:domain|sender|account)",
    r"domain (?:\S+ )?(?:is |has )?(?:not (?:been )?(?:allowed|authori[sz]ed|registered"
    r"|owned|active"
    r"|configured)|suspended|disabled)",
    # our host, its name and its reputation
    r"\b(?:helo|ehlo)\b",
    r"\b(?:your|sending|client|connecting)(?: \w+)? (?:ips?|hosts?|hostname|servers?"
    r"|network|mta|isp|mx"
    r"|domain|mailserver|reputation|dns)\b",
    r"\b(?:your|smtp|sending)(?: \w+)? (?:account|subscription|plan|organi[sz]ation"
    r"|tenant|workspace)\b",
    r"\bip(?: address)?(?: \S+)? (?:is|was|has|have|not|block\w*|reject\w*|listed|range"
    r"|reputation)\b",
    r"because (?:the )?ip\b|\bip=|(?:this|the|from|by) (?:\w+ )?ip\b",
    r"(?:block|black|deny|ban|reject).?list|dnsbl|\brbls?\b|spamhaus|spamcop|sorbs|senderbase"
    r"|senderscore|uceprotect|barracuda|ipcheck|cloudmark|abusix|csi\.mimecast|reputation",
    r"blocked (?:using|from|-|see)|blocked by (?!our|the|a |content|filter|polic)"
    r"|(?:access|traffic).{0,30}from this|banned sending|sender(?:.s)? score",
    r"\bptr\b|reverse (?:dns|lookup|name|hostname)|\brdns\b|\[?tss\d|\bs31[45]0\b|\[bl\d+\]",
    r"(?:messages?|mail|e-?mail|connections?) from \S+(?: \w+)? (?:weren.t|were|is|are"
    r"|will|has|have|not"
    r"|temporarily|permanently|refused|rejected|blocked|deferred)",
    r"(?:not|don.t|no longer) accept(?:ed|ing)? (?:any |your )?(?:e-?mails?|mails?"
    r"|messages?|connections?)"
    r" from|connections? (?:not|refused)|no smtp service",
    # our account
    r"sending (?:\w+ )?(?:is |has been )?(?:disabled|paused|suspended|blocked|not)",
    r"not (?:allowed|permitted|authori[sz]ed) to (?:connect|send|perform|use|access)"
    r"|permissions? to send|not have permission",
    r"account (?:is |has been |was )?(?:not (?:yet )?(?:activ|approv|enabl)|under review"
    r"|on hold)",
    r"billing|payment|(?:activate|verify) your|sandbox|test (?:mode|purposes)|sub-?account",
    r"\btrial\b|upgrade|outbound.?spam|your smtp (?:\w+ ){0,3}(?:block|suspend|disabl|lock)",
    r"dns (?:mx|a/aaaa)\b|resource record",
    r"tenant",
)
_WHO = r"(?:user|recipient|mailbox|address|account|person|addressee|inbox|alias|customer|member)"
_ADDRESS = _phrases(
    rf"{_WHO}s?(?: name| address| id)?(?: rejected:?)?(?: \S+)?(?: is| was| has been"
    rf"| are)?(?: \w+)? "
    r"(?:unknown|not found|does(?:n.t| not) exist|not exist|no longer|invalid|inactive|disabled"
    r"|discontinued|deactivated|closed|terminated|expired|deleted|undeliverable"
    r"|not (?:a )?(?:known|valid|local|active|listed|recogni[sz]ed|here))",
    rf"(?:unknown|invalid|no such|non.?existent|inactive|undeliverable|disabled"
    rf"|a (?:valid|known))"
    rf" (?:local |e-?mail |virtual )?{_WHO}",
    r"(?:does(?:n.t| not)|did not) (?:exist|have an?\b)|no (?:mailbox|account)\b|unroute?able",
    r"(?:no such|unknown|invalid) (?:local.?part|domain|host|destination)"
    r"|local.?part (?:is )?unknown",
    r"domain (?:name )?(?:not found|does not exist)"
    r"|host (?:or domain )?(?:name )?not found|null.?mx",
    r"could not deliver mail to|not known at|unknown in (?:\w+ ){0,3}table|notfound"
    r"|not our customer",
    r"(?:verify|verification of) (?:the )?recipient|tried to reach (?:is|does)|has moved",
)
_SUSPECT = _phrases(
    r"mailbox (?:is |was )?(?:currently )?(?:unavailable|not available)",
    rf"{_WHO}(?: address)? (?:is |was )?(?:rejected|refused|denied|not (?:accepted"
    rf"|allowed)|unavailable)",
)
# Somebody's: ours or the reader's.
_ACCOUNT = _phrases(
    r"account (?:is |has been |was )?(?:disabled|inactive|closed|terminated|expired|suspended"
    r"|deactivated|locked)"
)
_POLICY = _phrases(
    r"polic|spam|content|virus|restrict|block|prohibit|unsolicited|suspicious|phish|gr[ae]y.?list"
)

# Enhanced status codes that are specific: subject and detail of RFC 3463, RFC 7372, RFC 7505, and
# of Exchange Online (https://learn.microsoft.com/exchange/mail-flow-best-practices/
# non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online).
_ABOUT_US = re.compile(
    r"1\.[78]|2\.25[12]|7\.(?:8|11|14|2[0-7]|54|57|60|64|50[1236]|509|511|6[0-4]\d|7[0-5]\d)"
)
# 4.3xx: a relay of the reader's could not pass it on; 4.310 is a domain that does not exist.
_ABOUT_READER = re.compile(r"2\.[1-9]\d*|4\.3(?!10)\d\d|7\.(?:12[34]|13[3-6]|505|507)")
_ABOUT_ADDRESS = re.compile(r"1\.(?:[1236]|10)")
_ABOUT_MESSAGE = re.compile(r"2\.3|3\.4|6\.\d+")
_ABOUT_SUSPECT = re.compile(r"1\.\d+|4\.[14]|2\.1")


def status_of(text: str) -> str:
    """Subject and detail of an answer's enhanced status code, as "1.1", or ""."""
    found = _STATUS.match(text)
    return found.group(1) if found else ""


def about(text: str, status: str = "") -> Meaning:
    """What a refusal with this text is about; `status` is its enhanced code without the class."""
    words = " ".join(_NOISE.sub(" ", text.lower()).split())
    return _by_code(status) or _by_words(words, status) or _by_vague_code(status)


def _by_code(status: str) -> Meaning | None:
    if _ABOUT_US.fullmatch(status):
        return Meaning.US
    if status == "1.90":  # the day's recipients of an account of Exchange Online
        return Meaning.US_FOR_NOW
    if _ABOUT_MESSAGE.fullmatch(status):
        return Meaning.MESSAGE
    return None


def _by_words(words: str, status: str) -> Meaning | None:
    if _SIZE.search(words):
        return Meaning.MESSAGE
    if (_ABOUT_READER.fullmatch(status) and status != "2.1") or _READER.search(words):
        return Meaning.READER
    if _LIMIT.search(words):
        return Meaning.US_FOR_NOW
    if _US.search(words):
        return Meaning.US
    if _ACCOUNT.search(words) and not _ABOUT_ADDRESS.fullmatch(status):
        return Meaning.SUSPECT
    if _ADDRESS.search(words):
        return Meaning.ADDRESS
    if _POLICY.search(words):
        return Meaning.READER
    return Meaning.SUSPECT if _SUSPECT.search(words) else None


def _by_vague_code(status: str) -> Meaning:
    if _ABOUT_ADDRESS.fullmatch(status):
        return Meaning.ADDRESS
    if _ABOUT_SUSPECT.fullmatch(status):
        return Meaning.SUSPECT
    return Meaning.UNKNOWN
