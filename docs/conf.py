"""Sphinx configuration: MyST pages, the furo theme, and any warning is an error in `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _generate import write_pages  # noqa: E402 (found through the path above)

from dawndusk import __version__  # noqa: E402

write_pages(HERE / "generated")

project = "dawndusk"
author = "The dawndusk authors"
project_copyright = author
release = version = __version__

extensions = ["_mathml", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
# Types in signatures name classes of NumPy, pandas and private modules that have no page here.
nitpick_ignore_regex = [("py:.*", ".*")]

exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"dawndusk {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
