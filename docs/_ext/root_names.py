"""The directive ``root-names``: every name of the package root, with its first line and a link."""

from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from names import introduce, list_names


class RootNames(SphinxDirective):
    """List the names of ``channelplans.__all__`` by module, each with what it is."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return a section for each module, with a link to its page and a table of its names."""
        lines: list[str] = []
        for module, names in list_names().items():
            page = module.rpartition(".")[2]
            lines += [page, "-" * len(page), "", introduce(module), ""]
            lines += [".. list-table::", "   :widths: 30 70", ""]
            for name in names:
                lines.append(f"   * - :py:obj:`~{module}.{name.name}`")
                lines.append(f"     - {name.summary}")
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("root-names", RootNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
