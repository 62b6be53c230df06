"""A sample can be recognised without being quoted, and shows what hides in it."""

import pytest

from tests.moderation.fakes import sample

pytestmark = pytest.mark.core


def test_the_digest_is_the_same_for_the_same_text_and_key_only() -> None:
    digest = sample("hello").digest(b"key")

    assert digest == sample("hello").digest(b"key")
    assert digest != sample("hello").digest(b"other key")
    assert digest != sample("hello!").digest(b"key")
    assert len(digest) == 64


def test_a_lone_surrogate_still_has_a_digest() -> None:
    assert len(sample("\ud83d").digest(b"key")) == 64


def test_a_moderator_sees_invisible_letters_spelt_out() -> None:
    assert sample("加\u200b微信").shown() == "client: 加⟨U+200B⟩微信"
