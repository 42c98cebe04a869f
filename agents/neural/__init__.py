"""Networks that score items, and how a share of decisions explores."""
