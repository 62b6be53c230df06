"""Views fold a text and always know the way back."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.moderation.verdict import Span
from gateway.moderation.view import VIEWS, is_invisible, joined, plain

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("text", "found", "original"),
    [
        ("say HELLO", "hello", "HELLO"),
        ("ＷｅＣｈａｔ id", "wechat", "ＷｅＣｈａｔ"),
        ("加\u200b微\u200d信吧", "加微信", "加\u200b微\u200d信"),
        ("f\u00adu\u2060ck", "fuck", "f\u00adu\u2060ck"),
        ("①③⑧", "138", "①③⑧"),
        ("Straße 5", "strasse", "Straße"),
        ("ﬁne", "fi", "ﬁ"),
        ("cafe\u0301 x", "café", "cafe\u0301"),
        ("\u202ekcuf\u202c", "kcuf", "kcuf"),
        ("a\ufe0fb", "ab", "a\ufe0fb"),
        ("x㎏y", "kg", "㎏"),
        ("é\u200bÉ", "éé", "é\u200bÉ"),
    ],
)
def test_the_plain_view_finds_folded_letters_and_leads_back(text: str, found: str, original: str) -> None:
    view = plain(text)

    start = view.text.index(found)
    span = view.origin(start, start + len(found))

    assert text[span.start : span.end] == original


@pytest.mark.parametrize(
    ("text", "found", "original"),
    [
        ("加 微.信 吧", "加微信", "加 微.信"),
        ("1-3-8", "138", "1-3-8"),
        ("F u\u200b C k!", "fuck", "F u\u200b C k"),
    ],
)
def test_the_joined_view_ignores_what_stands_between_letters(text: str, found: str, original: str) -> None:
    view = joined(text)

    start = view.text.index(found)
    span = view.origin(start, start + len(found))

    assert text[span.start : span.end] == original


def test_part_of_an_expanded_letter_leads_back_to_the_whole_letter() -> None:
    view = plain("aßb")

    assert view.text == "assb"
    assert view.origin(1, 2) == view.origin(2, 3) == Span(start=1, end=2)


@pytest.mark.parametrize(
    "letter", list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\u3164\u2800\ufe0f\x00\x7f\U000e0041")
)
def test_letters_that_show_nothing_are_invisible(letter: str) -> None:
    assert is_invisible(letter)
    assert plain(f"a{letter}b").text == "ab"


@pytest.mark.parametrize("letter", list("a 微1\t\n\u3000😀é"))
def test_letters_that_show_or_separate_are_not_invisible(letter: str) -> None:
    assert not is_invisible(letter)


@pytest.mark.parametrize("name", sorted(VIEWS))
@given(text=st.text(max_size=60))
def test_every_letter_of_a_view_leads_back_into_the_text_in_order(name: str, text: str) -> None:
    view = VIEWS[name](text)

    assert len(view.text) == len(view.starts) == len(view.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(view.starts, view.ends, strict=True))
    assert list(view.starts) == sorted(view.starts)


@given(
    text=st.text(
        alphabet=st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Mc", "Me")),
        max_size=40,
    )
)
def test_the_plain_view_of_visible_text_is_its_folded_compatibility_form(text: str) -> None:
    folded = "".join(
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", letter).casefold())
        for letter in text
        if not is_invisible(letter)
    )

    assert plain(text).text in {folded, text.casefold()}
