"""Fills the tables of a page between their marks; the words around them stay."""

import re
from collections.abc import Mapping, Sequence

END = "<!-- end of table -->"


def fill_tables(page: str, tables: Mapping[str, Sequence[str]], prefix: str = "") -> str:
    """Fill every table of a page, or those whose names begin alike.

    Args:
        page: Markdown with marks, such as `<!-- table xiv -->`, each with its `END`.
        tables: lines by name.
        prefix: the other tables of the page are left alone.

    Returns:
        The page with tables.

    Raises:
        ValueError: the page lacks a table, names one twice, or names one that there is not.
    """
    mark = rf"<!-- table ({prefix}\S*) -->"
    names = re.findall(mark, page)
    block = re.compile(rf"{mark}\n.*?{END}", re.DOTALL)
    if sorted(names) != sorted(tables) or len(block.findall(page)) != len(names):
        odd = sorted(set(names) ^ set(tables)) or "a table twice, or one without its end"
        raise ValueError(f"the marks of the page are not one for each table: {odd}")

    def fill(match: re.Match[str]) -> str:
        return "\n".join([f"<!-- table {match[1]} -->", "", *tables[match[1]], "", END])

    return block.sub(fill, page)
