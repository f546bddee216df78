"""Withdrawals, corrections and editorial matter, told from papers."""

import time

import pytest

from digest.sources.notices import is_no_paper, is_withdrawn, withdrawn_title

COMMENTS = [
    "This paper has been withdrawn by the author due to a crucial error in equation 3",
    "Withdrawn; superseded by 2405.13351",
    "withdrawn",
    "Paper withdrawn by its author",
    "This paper is withdrawn",
    "This manuscript has been withdrawn by the authors",
    "This article has been retracted",
    "The authors have withdrawn this paper",
    "The author has withdrawn this paper due to an error",
    "We withdraw this paper",
    "I withdraw this paper because of a mistake",
    "This submission has been withdrawn by arXiv administrators due to inappropriate text overlap",
    "Withdrawn by the author",
    "Withdrawn due to an error in Lemma 2",
    "Article withdrawn",
    "This paper has been temporarily withdrawn",
    "The paper has been withdrawn",
    "This paper was withdrawn by the authors",
    "WITHDRAWN",
    "Retracted",
    "12 pages. This paper has been withdrawn",
    "Withdrawn.",
    "Submission withdrawn",
    "This work has been withdrawn",
    "This preprint has been withdrawn",
    "Paper has been withdrawn",
    "this submission was removed by arXiv administrators",
    "The manuscript is withdrawn because of an error",
    "withdrawn by the authors",
    "Withdrawn because of errors",
    "Paper is withdrawn",
    "10 pages, withdrawn",
    "This version withdrawn by arXiv admins",
    "arXiv admin note: This submission has been withdrawn due to authorship dispute",
    "Withdrawn for further revision",
    "This paper has been withdrawn from arXiv",
    "Author withdrew this paper",
    "The authors wish to withdraw this paper",
    "Paper withdrawn: error in proof",
    "This paper has been withdrawn from publication",
    "This paper has now been withdrawn",
    "Withdrawn as the main theorem is wrong",
    "the paper was withdrawn by the author",
    "Preprint, withdrawn",
    "has been withdrawn",
    "This paper is being withdrawn",
    "Withdrawn (see comments)",
    "Withdrawal: error in section 3",
    "Retraction: the proof is wrong",
]
OTHER_COMMENTS = [
    "12 pages. This work was withdrawn from ICLR 2026 and is now under review at ICML",
    "Withdrawn from ICLR 2026",
    "An earlier version was withdrawn from NeurIPS",
    "Supersedes the withdrawn arXiv:2401.00001",
    "We study withdrawn papers",
    "Replaces withdrawn paper 2405.1",
    "This paper was withdrawn from the AAAI review process; accepted at ACL",
    "Previously withdrawn version fixed",
    "A previous version of this paper was withdrawn; this is the corrected version",
    "Accepted at ACL 2026. Code is available",
    "The section on noise was removed",
    "This paper studies how articles are retracted",
    "withdrawn papers dataset",
    "Submission withdrawn from ECCV",
    "Paper withdrawn from CVPR 2026, resubmitted",
    "not withdrawn",
    "This work was voluntarily withdrawn from ICLR",
]
ABSTRACTS = [
    "This paper has been withdrawn.",
    "The authors have withdrawn this manuscript owing to an error.",
    "The editors retract the article.",
    "This article has been withdrawn at the request of the authors",
    "Withdrawn.",
    "This preprint has been withdrawn by the authors because of X",
    "The authors have withdrawn their manuscript",
]
OTHER_ABSTRACTS = [
    "We ask why a paper was withdrawn.",
    "This paper studies retracted articles.",
    "This work removed noise",
    "Retracted articles continue to be cited.",
    "Withdrawn drugs are a problem",
    "Article retractions rise",
    "The work was removed from the hands of weavers",
    "Withdrawn patients in trials",
    "Withdrawal of care in ICUs is studied",
    "Retraction of the lung is measured",
]
TITLES = {
    "WITHDRAWN: Towels of the north and their folds": "Towels of the north and their folds",
    "RETRACTED ARTICLE: Towels of the south and more": "Towels of the south and more",
    "Retraction: Towels of the east and their folds": "Towels of the east and their folds",
    "Retraction Note: Towels of the west and others": "Towels of the west and others",
    "[Retracted] Towels of the centre and of others": "Towels of the centre and of others",
    "Withdrawal notice to “Towels of the sea”": "Towels of the sea",
    "Retraction note to: Towels": "Towels",
    "Retracted: Towels": "Towels",
    "Retraction of “Towels and x”": "Towels and x",
    "Towels of the [Retracted]": "Towels of the",
    "Towels (retracted article)": "Towels",
    "Notice of Retraction: Towels": "Towels",
    "RETRACTED - Towels": "Towels",
    "Withdrawn: Towels": "Towels",
    "REMOVED: Towels": "Towels",
    "Statement of Retraction: Towels": "Towels",
    "Retraction Notice: Towels": "Towels",
    "Retraction to: Towels": "Towels",
    'Retraction notice to "Towels" [J. 12 (2026) 1]': "Towels",
    "Article Withdrawn: Towels": "Towels",
}
OTHER_TITLES = [
    "Retracted papers on the web",
    "Retraction of the tongue in speech",
    "Withdrawal of antidepressants",
    "Withdrawn but not gone: towels",
    "Retractions in science: a study",
    "Removal of dust: a survey",
    "Withdrawal from opioids: a cohort",
    "Retraction watch and towels",
    "Retraction of surgical tissue by robots",
]
NO_PAPERS = [
    "Author Correction: Towels of the coast and more",
    "Erratum to: Towels of the hills and of others",
    "Correction: Towels",
    "Correction to: x",
    "Corrigendum: x",
    "Publisher Correction: x",
    "Erratum: x",
    "Correction to “Towels”",
    'Corrigendum to "x"',
    "Addendum: x",
    "Expression of Concern: x",
    "Editorial Expression of Concern: x",
    "Editorial",
    "Table of Contents",
    "Issue Information",
    "Front Matter",
    "Contents",
    "Editorial Board",
    "Masthead",
    "Call for Papers",
    "In This Issue",
    "Cover Image",
    "Erratum",
    "Corrections",
    "Correction for Doe et al., Towels",
    "Editorial: the year in towels",
    "Preface",
    "List of Reviewers",
    "Back Matter",
    "Front Cover",
    "Inside Front Cover",
    "Editorial [From the Editor]",
    "Editor's Note",
    "Errata",
    "Reviewer Acknowledgements 2026",
    "Correction",
    "Obituary: Ada Lovelace",
    "Erratum: “Towels” [Phys. 1]",
    "Erratum (vol 12): x",
    "Graphical Contents List",
    "Contents list",
    "Announcement",
    "Book Review: Towels",
    "Front cover",
    "Inside back cover",
    "Cover Picture: Towels (J. 1/2026)",
    "Issue Editorial Masthead",
    "Correction notice",
]
PAPERS = [
    "Correction of atmospheric distortions",
    "Error correction for large models",
    "Corrections to scaling laws in language models",
    "Editorial bias in peer review",
    "Contents of dark matter halos",
    "Cover times of random walks",
    "Announcements and stock prices",
    "Index coding with side information",
    "Preface-aware models",
    "Correcting towels",
    "Erratum-free code generation",
    "Addenda and towels",
    "Editorial board gender balance in robotics",
    "Correction to the Casimir force in linen",
    "Quantum error correction",
    "Contents and discontents: a study",
    "Addendum for the linen theorem",
]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comment_on_a_withdrawal_is_understood(comment: str) -> None:
    assert is_withdrawn("On towels", "We fold.", comment)


@pytest.mark.parametrize("comment", OTHER_COMMENTS)
def test_comment_that_only_mentions_a_withdrawal_is_none(comment: str) -> None:
    assert not is_withdrawn("On towels", "We fold.", comment)


@pytest.mark.parametrize("abstract", ABSTRACTS)
def test_abstract_of_a_withdrawn_paper_is_understood(abstract: str) -> None:
    assert is_withdrawn("On towels", abstract)


@pytest.mark.parametrize("abstract", OTHER_ABSTRACTS)
def test_abstract_about_withdrawals_is_that_of_a_paper(abstract: str) -> None:
    assert not is_withdrawn("On towels", abstract)


@pytest.mark.parametrize(("title", "paper"), TITLES.items())
def test_title_names_the_paper_that_is_withdrawn(title: str, paper: str) -> None:
    assert is_withdrawn(title, "")
    assert withdrawn_title(title) == paper


@pytest.mark.parametrize("title", OTHER_TITLES)
def test_title_about_withdrawals_is_that_of_a_paper(title: str) -> None:
    assert not is_withdrawn(title, "")


@pytest.mark.parametrize("title", NO_PAPERS)
def test_correction_or_editorial_matter_is_no_paper(title: str) -> None:
    assert is_no_paper(title)


@pytest.mark.parametrize("title", PAPERS)
def test_paper_with_a_title_like_that_is_a_paper(title: str) -> None:
    assert not is_no_paper(title)


@pytest.mark.parametrize(
    "piece", ["This paper ", "withdrawn ", "[ ", ". ", "(((", "this paper x y z ", "we have "]
)
def test_hostile_texts_are_read_quickly(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    began = time.process_time()

    is_withdrawn(text, text, text)
    is_no_paper(text)
    withdrawn_title(text)

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "comment",
    [
        "I am withdrawing this paper",
        "Please note that this paper has been withdrawn",
        "Authors request withdrawal of the paper",
        "The authors asked for the retraction of their article",
        "Unfortunately this manuscript has been withdrawn",
    ],
)
def test_an_introduction_does_not_hide_a_withdrawal(comment: str) -> None:
    assert is_withdrawn("A title", "", comment)


@pytest.mark.parametrize(
    ("abstract", "comment"),
    [
        ("", "This replaces our earlier, withdrawn paper"),
        ("The report removed by filters shows how models fail.", ""),
    ],
)
def test_something_else_that_is_withdrawn_or_removed_is_none(abstract: str, comment: str) -> None:
    assert not is_withdrawn("A title", abstract, comment)


@pytest.mark.parametrize(
    "title",
    [
        "Guest Editorial: Deep Networks",
        "Letter from the Editor",
        "From the Editors",
        "Book Reviews",
        "Publisher's Note: Deep Networks [Phys. Rev. 1 (2)]",
        "Amendments: Author Correction: Deep Networks",
        "List of Contributors",
        "Thanks to Reviewers",
        "News & Views",
    ],
)
def test_what_journals_print_beside_papers_is_no_paper(title: str) -> None:
    assert is_no_paper(title)


def test_a_study_of_errata_is_a_paper() -> None:
    assert not is_no_paper("Errata in Datasets: An Audit")
