"""The project keeps its own house rules; each rule also meets an example that breaks it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.features import NUMBERS
from tools.tidy import RULES, main
from tools.tree import Tree

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parent.parent

DOCSTRING = '"""Decides one thing.\n\nNever does another; that lives elsewhere.\nKeeps a third.\n"""\n'


def written(root: Path, files: Mapping[str, str]) -> Tree:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Tree(root)


def found(rule: str, tree: Tree) -> list[str]:
    return [str(finding) for finding in RULES[rule](tree)]


def features(changes: Mapping[str, str]) -> str:
    rows = (changes.get(number, f"| {number} | a thing | somewhere | not yet | |") for number in NUMBERS)
    return "\n".join(rows)


LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * 60
CORE = "gateway/metering/tick.py"

BROKEN: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "a file over the ceiling": ("files_within_ceiling", {"gateway/a.py": "x = 1\n" * 401}, "401 lines"),
    "a page component over the ceiling": ("files_within_ceiling", {"web/src/a.tsx": "\n" * 401}, "401 lines"),
    "a function over the ceiling": (
        "functions_within_ceiling",
        {"tests/a.py": LONG_FUNCTION},
        "long has 61 lines",
    ),
    "a name that says nothing": ("names_say_something", {"gateway/media/sdp_utils.py": ""}, "says utils"),
    "a folder that says nothing": ("names_say_something", {"web/src/common/a.ts": ""}, "says common"),
    "a module without a docstring": (
        "modules_open_with_a_docstring",
        {"gateway/a.py": "x = 1\n"},
        "no module",
    ),
    "a docstring of one line": (
        "modules_open_with_a_docstring",
        {"gateway/a.py": '"""One."""\n'},
        "has 1 lines",
    ),
    "a docstring that goes on": (
        "modules_open_with_a_docstring",
        {"loadtest/a.py": '"""' + "On and on.\n" * 11 + '"""\n'},
        "has 11 lines",
    ),
    "a core that waits": ("cores_are_pure", {CORE: "async def f(x):\n    await x\n"}, "waiting"),
    "a core that opens a file": ("cores_are_pure", {CORE: "text = open('a')\n"}, "open()"),
    "a core that prints": ("cores_are_pure", {CORE: "print(1)\n"}, "print()"),
    "a core that looks at a clock": ("cores_are_pure", {CORE: "at = datetime.now(UTC)\n"}, "datetime.now()"),
    "a core that draws an id": ("cores_are_pure", {CORE: "name = uuid.uuid4()\n"}, "uuid.uuid4()"),
    "a core that logs": ("cores_are_pure", {CORE: "log.info('a')\n"}, "log.info()"),
    "a fact that nobody hears": (
        "facts_are_used",
        {"gateway/facts.py": '"""LegSang."""\nclass Fact: ...\nclass LegSang(Fact): ...\n'},
        "nobody tells or hears LegSang",
    ),
    "a fact that the table leaves out": (
        "facts_are_used",
        {
            "gateway/facts.py": '"""Facts."""\nclass LegSang(Fact): ...\n',
            "gateway/app.py": "from gateway.facts import LegSang\n",
        },
        "LegSang is missing in the table",
    ),
    "unfinished work": ("text_is_clean", {"gateway/a.py": "# TO" + "DO later\n"}, "unfinished work"),
    "a download address": (
        "text_is_clean",
        {"web/package-lock.json": '"resol' + 'ved": "https://example.net/a.tgz"\n'},
        "a download address",
    ),
    "an index address": (
        "text_is_clean",
        {"requirements.lock": "--index" + "-url https://a\n"},
        "an index address",
    ),
    "a path of one machine": (
        "text_is_clean",
        {"docs/a.md": "see /ho" + "me/ann/notes\n"},
        "a path of one machine",
    ),
    "a feature without a test": (
        "features_are_proved",
        {"docs/features.md": features({"3": "| 3 | a | b | working | |"})},
        "feature 3: working, but no test is named",
    ),
    "a feature whose test file is gone": (
        "features_are_proved",
        {"docs/features.md": features({"3": "| 3 | a | b | working | `tests/test_a.py::test_b` |"})},
        "tests/test_a.py does not exist",
    ),
    "a feature whose test is gone": (
        "features_are_proved",
        {
            "docs/features.md": features({"3": "| 3 | a | b | working | `tests/test_a.py::test_b` |"}),
            "tests/test_a.py": "def test_c(): ...\n",
        },
        "tests/test_a.py has no test_b",
    ),
    "a feature with a status of its own": (
        "features_are_proved",
        {"docs/features.md": features({"3": "| 3 | a | b | almost | |"})},
        "feature 3: the status is one of",
    ),
    "a feature left out": (
        "features_are_proved",
        {"docs/features.md": features({"3": ""})},
        "the numbers are not",
    ),
    "a link to nowhere": ("links_lead_somewhere", {"docs/a.md": "[b](../b.md)\n"}, "b.md does not exist"),
    "a docstring that names a page in vain": (
        "links_lead_somewhere",
        {"gateway/a.py": "# See docs/" + "lost.md\n"},
        "lost.md does not exist",
    ),
    "a section that is not on its page": (
        "sections_exist",
        {"gateway/a.py": "# See docs/" + 'b.md, "Lost"\n', "docs/b.md": "## Found\n"},
        "docs/b.md has no section 'Lost'",
    ),
    "a setting without a row": (
        "settings_are_documented",
        {
            "gateway/config.py": "class Settings:\n    http_port: int = 1\n",
            "docs/operations.md": "`media_port`\n",
        },
        "`http_port` is not in",
    ),
    "a metric without a row": (
        "metrics_are_documented",
        {"gateway/admin/adapters/metrics.py": 'Gauge("gateway_socket_open")\n', "docs/operations.md": ""},
        "gateway_socket_open is not in",
    ),
    "a problem code without a row": (
        "codes_are_documented",
        {"gateway/a.py": 'raise Conflict("No.", code="taken")\n', "docs/wire.md": "`busy`\n"},
        "`taken` is not in",
    ),
    "a dependency without a reason": (
        "dependencies_have_reasons",
        {
            "pyproject.toml": '[project]\ndependencies = ["leftpad>=1"]\n',
            "docs/decisions/0001-a.md": "`rightpad`\n",
        },
        "leftpad has no reason",
    ),
    "a web dependency without a reason": (
        "dependencies_have_reasons",
        {"pyproject.toml": "", "web/package.json": '{"dependencies": {"leftpad": "1"}}'},
        "leftpad has no reason",
    ),
}

KEPT: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a file at the ceiling": ("files_within_ceiling", {"gateway/a.py": "x = 1\n" * 400}),
    "a tree in a docstring": (
        "modules_open_with_a_docstring",
        {"gateway/a.py": DOCSTRING.replace("\nKeeps", "\n" + "    a tree\n" * 20 + "Keeps")},
    ),
    "a short ports module": (
        "modules_open_with_a_docstring",
        {"gateway/metering/ports.py": '"""What it needs.\n\nDeclares only.\n"""\n'},
    ),
    "a service that waits": (
        "cores_are_pure",
        {"gateway/metering/service.py": "async def f(x):\n    await x\n"},
    ),
    "an adapter that opens a file": (
        "cores_are_pure",
        {"gateway/metering/adapters/a.py": "text = open('a')\n"},
    ),
    "what was downloaded": (
        "text_is_clean",
        {"node_modules/a.js": "// FIX" + "ME\n", ".venv/a.py": "# TO" + "DO\n"},
    ),
    "a proved feature": (
        "features_are_proved",
        {
            "docs/features.md": features({"X3": "| X3 | a | b | working | `tests/test_a.py::test_b` |"}),
            "tests/test_a.py": "class TestA:\n    async def test_b(self): ...\n",
        },
    ),
    "a link beside the page": ("links_lead_somewhere", {"docs/a.md": "[b](./b.md#x)\n", "docs/b.md": ""}),
    "a section quoted over a line's end": (
        "sections_exist",
        {
            "gateway/a.py": '"""See docs/b.md, "When a second\nis billed"."""\n',
            "docs/b.md": "### When a second is billed\n",
        },
    ),
    "a counter named with its total": (
        "metrics_are_documented",
        {
            "gateway/admin/adapters/metrics.py": 'Counter("gateway_packet")\n',
            "docs/operations.md": "`gateway_packet_total{direction}`\n",
        },
    ),
    "a code explained to operators": (
        "codes_are_documented",
        {"gateway/a.py": 'raise Conflict("No.", code="taken")\n', "docs/operations.md": "`taken`\n"},
    ),
    "an extra with its reason": (
        "dependencies_have_reasons",
        {
            "pyproject.toml": '[project.optional-dependencies]\ndev = ["leftpad>=1"]\n',
            "docs/decisions/0001-a.md": "`leftpad` pads on the left.\n",
        },
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_project_keeps_the_rule(rule: str) -> None:
    assert found(rule, Tree(ROOT)) == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_found(case: str, tmp_path: Path) -> None:
    rule, files, sentence = BROKEN[case]

    findings = found(rule, written(tmp_path, files))

    assert any(sentence in finding for finding in findings), findings


@pytest.mark.parametrize("case", KEPT)
def test_a_kept_rule_is_let_through(case: str, tmp_path: Path) -> None:
    rule, files = KEPT[case]

    assert found(rule, written(tmp_path, files)) == []


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN.values()} == set(RULES)


def test_a_finding_reads_like_a_compilers(tmp_path: Path) -> None:
    tree = written(tmp_path, {"gateway/a.py": "x = 1\n"})

    finding = found("modules_open_with_a_docstring", tree)

    assert finding == ["gateway/a.py:1: no module docstring: say what it decides"]


def test_the_command_fails_when_something_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, {"pyproject.toml": "", "gateway/a.py": "x = 1\n"})

    status = main(tmp_path)

    assert status == 1
    assert capsys.readouterr().out.endswith("2 files, 1 findings\n")


def test_the_command_passes_on_a_clean_tree(tmp_path: Path) -> None:
    written(tmp_path, {"pyproject.toml": "", "gateway/a.py": DOCSTRING})

    assert main(tmp_path) == 0
