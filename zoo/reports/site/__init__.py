"""The catalog as a static site: pages, charts and a machine-readable copy."""

from zoo.reports.site.render import File, site_of
from zoo.reports.site.write import write

__all__ = ["File", "site_of", "write"]
