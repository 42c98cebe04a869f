"""ValidationCard: a plain mapping that prints as a page of text."""

from __future__ import annotations

from typing import Any


class ValidationCard(dict[str, Any]):
    """What was measured about a world, and what is assumed: numbers, text, lists and mappings only, so it is JSON.

    Single numbers stand at the top (`card["rmse"]`), their 95% intervals under `card["intervals"]`.
    """

    def __str__(self) -> str:
        """Return the card for people."""
        from recenv.causal.validation.text import card_text

        return card_text(self)
