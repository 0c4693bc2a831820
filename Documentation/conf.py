# SPDX-License-Identifier: GPL-2.0
#
# The configuration of Sphinx for "make docs", see scripts/docs.sh. The extension
# kerneldoc is the kernel's own: srctree is the kernel tree that has the extension.

import os
import sys

sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))

project = "test_mmun"
extensions = ["kerneldoc"]
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
primary_domain = "c"

# The text has "--" and quotes in it, and its literal blocks are of many languages.
smartquotes = False
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {
    "page_width": "1100px",
    "sidebar_width": "220px",
    "description": "test driver and kselftest for mmu interval notifiers",
    "show_powered_by": False,
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_copy_source = False
html_show_copyright = False
