"""Where the numbers of a training go while it runs: TensorBoard, Weights & Biases, or anything with `log` and `close`.

Both packages are optional (extra `tracking`) and are imported when a logger is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

MODES = ("offline", "online", "disabled")
"""Of Weights & Biases; "offline" writes files only, to be sent later by `wandb sync`."""


class Logger(Protocol):
    """What `recenv.training.train` tells its numbers to."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the numbers that were measured after `step` user steps."""
        ...

    def close(self) -> None:
        """Finish: `train` calls it once, also where training fails."""
        ...


class TensorBoardLogger:
    """Writes event files that `tensorboard --logdir FOLDER` shows.

    Parameters
    ----------
    folder
        Of this run; made if it isn't there.

    Raises
    ------
    ImportError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        _package("tensorboard", "TensorBoardLogger")
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write a scalar a metric."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class WandbLogger:
    """A run of Weights & Biases.

    Parameters
    ----------
    project
        Its project.
    mode
        "offline" (the default: nothing leaves the machine), "online" or "disabled".
    folder
        Where its files are written; None is the working folder.
    name
        Of the run; None lets Weights & Biases find one.
    config
        Settings to show beside the run.

    Raises
    ------
    ImportError
        If Weights & Biases is not installed.
    ValueError
        If `mode` is unknown.
    """

    def __init__(
        self,
        project: str,
        *,
        mode: str = "offline",
        folder: str | Path | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        wandb: Any = _package("wandb", "WandbLogger")
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
        place = None if folder is None else str(folder)
        self._run = wandb.init(
            project=project, mode=mode, dir=place, name=name, config=dict(config or {}), reinit="create_new"
        )

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log the metrics at this step."""
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


def _package(name: str, who: str) -> ModuleType:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"{who} needs the package {name}: pip install 'recenv[tracking]'") from None
