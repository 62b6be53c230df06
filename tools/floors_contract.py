"""The floors as an import-linter contract.

Decides nothing of its own: it walks the direct imports that import-linter's
graph has of every module of ours and asks `floors.refusal` about each. Direct
imports suffice, because every link of a chain is itself one of them.
Configured in `.importlinter`; run by `make check`.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

from tools.floors import refusal

OURS = ("gateway", "loadtest")


class FloorsContract(Contract):
    """Every module imports only what its floor allows."""

    type_name = "floors"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """All refused imports, as `importer -> imported (line): why`."""
        output.verbose_print(verbose, "Asking every module's floor about every import.")
        refused = refused_imports(graph)
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each refused import."""
        for line in check.metadata["refused"]:
            output.print_error(line)


def refused_imports(graph: ImportGraph) -> list[str]:
    """Each refused direct import of a graph, in order of the importer's name."""
    lines: list[str] = []
    for importer in sorted(module for module in graph.modules if module.split(".", 1)[0] in OURS):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            why = refusal(importer, imported)
            if why is not None:
                details = graph.get_import_details(importer=importer, imported=imported)
                where = details[0]["line_number"] if details else 0
                lines.append(f"{importer} -> {imported} (line {where}): {why}")
    return lines
