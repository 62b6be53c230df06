"""The self-test that `gateway selftest` runs."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway import selftest

pytestmark = pytest.mark.e2e


def kept(file: str) -> dict:
    return json.loads(Path(file).read_bytes())


async def test_a_self_test_calls_and_finds_nothing_wrong(tmp_path):
    result = await selftest.run(directory=tmp_path)
    assert result.problems == []
    assert result.ok
    assert 10 <= result.billed_s <= 12
    assert result.elapsed_s >= result.billed_s
    assert result.cost_micros == result.billed_s * selftest.PRICE_MICROS_PER_MINUTE // 60
    assert 0 < result.first_audio_ms < 1_500
    assert kept(result.receipt_file)["billed_s"] == result.billed_s
    assert kept(result.evidence_file)["entries"]
    assert list(asdict(result)) == [
        "ok",
        "billed_s",
        "elapsed_s",
        "cost_micros",
        "first_audio_ms",
        "receipt_file",
        "evidence_file",
        "relay",
        "problems",
    ]
