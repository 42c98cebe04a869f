"""What the card's page adds to the style sheet: colours for a dark screen."""

DARK_STYLE = """
:root { color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #a3abb8; --line: #2c3239; --pale: #1b2026; --accent: #7cc0ee; }
  body { background: #14171b; }
  .verdict { background: #16222c; }
}
"""
