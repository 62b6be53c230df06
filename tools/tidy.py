"""Runs every house rule over the project: `python -m tools.tidy`.

Decides the list of rules and the exit status: 0 where nothing was found, 1
where something was. Prints one line for each finding, as compilers do.
Never mends anything; `ruff format` and `ruff check --fix` do what can be done.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tools.documents import dependencies_have_reasons, links_lead_somewhere, sections_exist
from tools.features import features_are_proved
from tools.opening import modules_open_with_a_docstring
from tools.purity import cores_are_pure
from tools.reference import codes_are_documented, metrics_are_documented, settings_are_documented
from tools.size import files_within_ceiling, functions_within_ceiling, names_say_something
from tools.tree import Finding, Tree
from tools.vocabulary import facts_are_used
from tools.wording import text_is_clean

Rule = Callable[[Tree], Iterable[Finding]]

RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        files_within_ceiling,
        functions_within_ceiling,
        names_say_something,
        modules_open_with_a_docstring,
        cores_are_pure,
        facts_are_used,
        text_is_clean,
        features_are_proved,
        links_lead_somewhere,
        sections_exist,
        dependencies_have_reasons,
        settings_are_documented,
        metrics_are_documented,
        codes_are_documented,
    )
}
"""Every rule by its name."""


def main(root: Path) -> int:
    """Check one project; the process's exit status."""
    tree = Tree(root)
    findings = [finding for rule in RULES.values() for finding in rule(tree)]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"tidy: {len(RULES)} rules, {len(tree.paths)} files, {len(findings)} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
