"""Keywords in texts: names with signs and numbers, plurals, hyphens, and scripts without spaces."""

import pytest

from subscribers.comparing import phrases
from subscribers.comparing.phrases import Texts


def holds(keyword: str, text: str) -> bool:
    return bool(Texts([[text]]).holding(keyword))


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("vision-language model", "Vision language models see"),
        ("vision language models", "A vision-language model"),
        ("vision-language model", "vision\u2011language\u00a0models"),
        ("fine-tuning", "Finetuning is cheap"),
        ("finetuning", "fine-tuning is cheap"),
        ("fine tuning", "we call it finetuning"),
        ("large pretraining", "large pre-training data"),
        ("pretraining data", "large pre-training data"),
        ("policies", "one policy"),
        ("movie", "two movies"),
        ("cache", "Caches"),
        ("box", "boxes"),
        ("matrix", "matrices"),
        ("hypotheses", "a hypothesis"),
        ("LLMs", "an LLM"),
        ("GP", "we fit GPs"),
        ("gps", "We fit GPs"),
        ("AIDS", "aids"),
        ("C++", "written in C++."),
        ("C++", "C++17 code"),
        ("C", "in C, then C++"),
        ("C#", "a C#-based tool"),
        ("C♯", "C#"),
        ("A*", "We extend A* search"),
        ("A*", "A^* finds paths"),
        ("a∗", "A* finds paths"),
        ("LoRA+", "LoRA+ is faster"),
        ("LoRA", "LoRA+ is faster"),
        (".NET", "on .NET"),
        ("R", "packages in R (and S)"),
        ("node.js", "NodeJS and Node.js"),
        ("node.js", "a server in node js"),
        ("L1/L2", "L1/L2 norms"),
        ("L1", "the ℓ₁ norm"),
        ("H∞", "H-infinity control"),
        ("H-infinity", "H∞ control"),
        ("CO2", "CO₂ emissions"),
        ("CO2", "CO_2 and H_2O"),
        ("H2O", "CO_2 and H_2O"),
        ("β-VAE", "Beta-VAEs"),
        ("beta-VAE", "a β-VAE"),
        ("π0", "with π₀.5"),
        ("pi0", "with π_0"),
        ("Llama 3", "LLaMA-3.1-8B"),
        ("Llama3", "Llama 3"),
        ("Llama", "Llama3"),
        ("GPT-4o", "GPT 4o"),
        ("Qwen2.5-VL", "Qwen 2.5 VL"),
        ("10,000 hours", "10000 hours"),
        ("3D-GS", "3DGS"),
        ("中国", "在中国人中"),
        ("機械学習", "深層機械学習の"),
        ("의료", "의료에서"),
        ("学", "機械学習"),
        ("Alzheimer disease", "Alzheimer’s disease"),
        ("naïve", "naive"),
        ("Łukasiewicz", "Lukasiewicz logic"),
        ("шум", "Шум"),
        ("हिन्दी", "यह हिन्दी है"),
    ],
)
def test_a_keyword_holds(keyword: str, text: str) -> None:
    assert holds(keyword, text)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("A*", "A search, a star, and A+"),
        ("C++", "in C, C# or Objective-C; a C+ at school"),
        ("C#", "in C and C++"),
        ("C", "C++, C#, vitamin-C and C4"),
        ("R", "R-CNN, R&D, R2 and R^2"),
        (".NET", "the net, a net. Network"),
        ("F#", "F1 and F"),
        ("o1", "O(1) and 1 o"),
        ("L1", "L, 1"),
        ("GPT-4", "GPT-4o and GPT-40"),
        ("Llama 3", "Llama 2 and 3 more"),
        ("CO", "CO2"),
        ("data", "data2vec"),
        ("robo", "robots"),
        ("robot", "robotics"),
        ("GP", "GPS"),
        ("new", "the news"),
        ("plan", "planes"),
        ("us", "it uses"),
        ("analysis", "analyst"),
        ("bia", "bias"),
        ("physic", "physics"),
        ("language model", "language. Model"),
        ("language model", "language, model"),
        ("language model", "language of a model"),
        ("model language", "language model"),
        ("search", "research"),
        ("art", "artful"),
        ("β", "beat"),
        ("国中", "中国"),
        ("中国人民", "中国人"),
        ("H∞", "H and infinity"),
        ("vision-language model", "vision models of language"),
        ("sparse attention", "attention is sparse"),
    ],
)
def test_a_keyword_does_not_hold(keyword: str, text: str) -> None:
    assert not holds(keyword, text)


def test_no_phrase_reaches_from_the_title_into_the_abstract() -> None:
    assert not Texts([("A language", "Model of it")]).holding("language model")
    assert Texts([("A language", "Model of it"), ("", "A language model")]).holding(
        "language model"
    ) == {1}


@pytest.mark.parametrize("text", ["🤗", "***", "?!", "—", "…", "🤗🤗 ✨", "+"])
def test_what_has_no_word_says_nothing(text: str) -> None:
    assert phrases.says_nothing(text)
    assert not phrases.says_nothing(f"{text} robots")


@pytest.mark.parametrize("text", ["the", "of the", "A", "in", "We", "is-a"])
def test_what_every_text_has_is_everywhere(text: str) -> None:
    assert phrases.is_everywhere(text)


@pytest.mark.parametrize(
    "text", ["A*", "R", "theory of mind", ".it", "o1", "3", "C", "A-MEM", "国"]
)
def test_what_few_texts_have_is_not_everywhere(text: str) -> None:
    assert not phrases.is_everywhere(text)


def test_keywords_that_hold_for_the_same_papers_are_the_same() -> None:
    assert phrases.is_same("Vision-language models", "vision language model")
    assert not phrases.is_same("C", "C++")


def test_the_longest_text_and_the_strangest_word_are_indexed() -> None:
    texts = Texts([["x" * 100_000, "a-" * 50_000, "国" * 50_000, "1." * 50_000, "β" * 50_000]])

    assert texts.holding("国国")


@pytest.mark.parametrize(
    ("keyword", "text"),
    [("O(n)", "on time"), ("I.T.", "it is"), ("A.S.", "as is"), ("i-n", "in a")],
)
def test_a_keyword_is_never_taken_for_a_word_of_every_text(keyword: str, text: str) -> None:
    assert not Texts([(text,)]).holding(keyword)
    assert Texts([(f"about {keyword} and more",)]).holding(keyword)
