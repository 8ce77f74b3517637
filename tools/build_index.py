"""Rewrites the index of the shipped catalog; run it after every change of ``registry/catalog``.

python -m tools.build_index
"""

from __future__ import annotations

import registry
from registry.catalog_io.files import SHIPPED, list_catalog_files
from registry.index import SHIPPED_INDEX, build_body, record_files, write_index


def main() -> None:
    """Build the index from the catalog and writes it beside the catalog files."""
    # Without times: an installed package has those of its installation.
    states = record_files(list_catalog_files(SHIPPED), with_times=False)
    write_index(SHIPPED_INDEX, states, build_body(registry.load()))


if __name__ == "__main__":
    main()
