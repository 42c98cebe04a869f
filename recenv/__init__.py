"""recenv: which recommendation policy is better, and how sure are we, before any user sees it?"""

from recenv._version import __version__

__all__ = ["__version__"]
