import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from digest.sources.notices import is_withdrawn
from digest.sources.text import clean, clean_each, presentable, read_time, title_key


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Learning to\n  fold  towels\t", "Learning to fold towels"),
        ("$O(n^2)$ if $a<b$ & \\alpha", "$O(n^2)$ if $a<b$ & \\alpha"),
        ("<script>alert(1)</script> {{ 7*7 }} %x% *|X|*",) * 2,
        ("nul\0and\x07bell", "nulandbell"),
        ("\u202egnp.exe\u202c \u2066x\u2069", "gnp.exe x"),
        ("a" + "\u200b" * 1000 + "b", "ab"),
        ("line\u2028separator", "line separator"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Poincare\u0301", "Poincaré"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("a\u200d\u200d\u200db", "a\u200db"),
        ("", ""),
        (None, ""),
        (["not", "text"], ""),
    ],
)
def test_clean_keeps_what_is_said(raw: object, cleaned: str) -> None:
    assert clean(raw, 400) == cleaned


def test_flood_of_combining_marks_becomes_a_few() -> None:
    cleaned = clean("Z" + "\u0335" * 500 + "algo", 400)

    assert sum(unicodedata.combining(char) > 0 for char in cleaned) == 4


def test_long_text_is_cut_between_words() -> None:
    cleaned = clean("word " * 5000, 5000)

    assert len(cleaned) <= 5000
    assert cleaned.endswith("word…")


def test_word_without_end_is_cut_inside() -> None:
    assert clean("x" * 500, 400) == "x" * 399 + "…"


def test_cut_does_not_split_a_letter_from_its_marks() -> None:
    syllable = "q\u0323\u0307"  # has no composed form
    assert len(syllable) == 3

    for length in range(10, 20):
        cleaned = clean(syllable * 50, length)
        assert cleaned.removesuffix("…").replace(syllable, "") == ""


def test_names_are_clean_and_unique() -> None:
    assert clean_each(["Ada\n Lovelace", "", None, "Ada Lovelace", "Bo"], 200) == (
        "Ada Lovelace",
        "Bo",
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-20T01:57:22.000Z",
        "2026-08-20T03:57:22+02:00",
        "Thu, 20 Aug 2026 01:57:22 GMT",
        "Wed, 19 Aug 2026 21:57:22 -0400",
        "2026-08-20 01:57:22",
    ],
)
def test_time_is_read_in_any_form(text: str) -> None:
    assert read_time(text) == datetime(2026, 8, 20, 1, 57, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", None, 20260820, "0001-01-01T00:00:00+14:00"])
def test_invalid_time_is_none(text: object) -> None:
    assert read_time(text) is None


def test_time_in_the_future_is_none() -> None:
    now = datetime.now(UTC)

    assert read_time((now + timedelta(days=400)).isoformat()) is None
    assert read_time((now - timedelta(days=400)).isoformat()) is not None


def test_title_key_ignores_case_accents_and_punctuation() -> None:
    assert title_key("Poincaré—Maps:  a Study") == title_key("poincare maps: A STUDY")
    assert title_key("Maps: a Study") != title_key("Maps: a Stud")


@pytest.mark.parametrize(
    ("title", "abstract", "comment"),
    [
        ("RETRACTED: On towels", "", ""),
        ("Retracted Article: On towels", "", ""),
        ("[Withdrawn] On towels", "", ""),
        ("On towels", "This paper has been withdrawn by its authors.", ""),
        ("On towels", "We fold.", "This submission has been withdrawn"),
    ],
)
def test_withdrawn_paper_is_recognised(title: str, abstract: str, comment: str) -> None:
    assert is_withdrawn(title, abstract, comment)


def test_paper_about_withdrawn_papers_is_not_withdrawn() -> None:
    assert not is_withdrawn("Retracted papers on the web", "We ask why a paper was withdrawn.")


def test_presentable_text_is_clean_bounded_and_without_latex() -> None:
    assert presentable("In $n^2$\n \\textbf{steps}\x07", 400) == "In n² steps"
    assert presentable("\\emph{word} " * 5000, 50).startswith("word word ")
    assert len(presentable("\\emph{word} " * 5000, 50)) <= 50
    assert presentable("\\unicode{x202E}a", 400) == "a"
    assert presentable(None, 400) == ""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (r"\textbf{DR$^{3}$}-Weave: {\bf more $x^{2}$} of it", "DR³-Weave: more x² of it"),
        ("DR^{3}-Weave, π_{0.5} and x_{max}", "DR³-Weave, π_0.5 and x_max"),
        (
            "Threads -- 3--5 of them --- hold; they weave--slowly",
            "Threads – 3–5 of them — hold; they weave–slowly",
        ),
        (
            "Run it with --loom at https://loom.example/a--b",
            "Run it with --loom at https://loom.example/a--b",
        ),
        (
            "We say ``loom'' and ''thread'', at 3'' and f''",
            "We say “loom” and “thread”, at 3'' and f''",
        ),
        (
            "In 5~mm, Fig.~3 and Pop~III, at z~2 and 10~100",
            "In 5 mm, Fig. 3 and Pop III, at z~2 and 10~100",
        ),
        ("It weaves. % We mend it.", "It weaves. We mend it."),
        ("% We mend 5 % of it", "We mend 5 % of it"),
        ("It is 8.2times faster, sim2times, three times", "It is 8.2× faster, ∼2×, three times"),
        ("boldsymbolπ-Loom, texttt{D}ual", "π-Loom, Dual"),
        ("About $∼3 $ kpc, $× 10^{16}$", "About ∼3 kpc, × 10¹⁶"),
        (
            "A {{ template }} of {braces}, from $5 to $10",
            "A {{ template }} of {braces}, from $5 to $10",
        ),
    ],
)
def test_rubble_of_latex_is_cleared_away(raw: str, shown: str) -> None:
    assert presentable(raw, 400) == shown
    assert presentable(shown, 400) == shown


@pytest.mark.parametrize("flood", ["``a", "$∼", "x_{", "--", "texttt{", "~ab", "sim", "'' "])
def test_rubble_takes_no_longer_for_being_much(flood: str) -> None:
    assert presentable(flood * 3000, 5000) is not None
