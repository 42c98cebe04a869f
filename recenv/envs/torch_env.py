"""Many users of one world in torch tensors, which stay on the device where the world is stepped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from recenv.causal.world import World
from recenv.envs.actions import n_choices
from recenv.envs.config import EnvConfig
from recenv.envs.seeding import slot_seeds
from recenv.envs.torch_stepping import Stepper, make_stepper
from recenv.envs.vector import RecSysVectorEnv
from recenv.protocol import Catalogue

Observation = Tensor | dict[str, Tensor]


class TorchEnv(VectorEnv):
    """`RecSysVectorEnv` in tensors: the same users, responses and rewards, bit for bit on the CPU.

    Observation: (B, O) float32, or a dict with `observation="history"`; see `recenv.envs.observation`.
    Action: (B,) or (B, K) whole numbers, a tensor or anything that `torch.as_tensor` takes.
    Reward: (B,) float64. Termination, truncation: (B,) bool.
    State: as in `recenv.envs.RecSysEnv`; on a CUDA device it never leaves it, and one kernel makes a step.

    Every tensor that is returned is the caller's own. Each step reads one number back from the device, to refuse
    actions that are no items; nothing else crosses.

    Parameters
    ----------
    num_envs
        B, the number of users.
    device
        "cpu", or "cuda" for torch's current CUDA device (kernels run on torch's current stream).
    autoreset_mode
        As in `RecSysVectorEnv`; with `SAME_STEP`, `info["final_obs"]` is a tensor of all slots, whose rows count where
        `info["_final_obs"]` (B,) is True.
    config, options
        An `EnvConfig`, or its fields as keyword arguments; on a CUDA device the reward must be one by name.

    Raises
    ------
    ValueError
        If the device is neither, or the reward is a Python function and the device is CUDA.
    RuntimeError
        If there is no CUDA device.
    """

    def __init__(
        self,
        num_envs: int = 1,
        config: EnvConfig | None = None,
        *,
        device: str | torch.device = "cpu",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None:
            raise ValueError(f"render_mode must be None, got {render_mode!r}: RecSysVectorEnv draws")
        native = RecSysVectorEnv(num_envs, config, autoreset_mode=autoreset_mode, **options)
        num_envs = native.num_envs
        self.num_envs, self.config, self.autoreset_mode = num_envs, native.config, native.autoreset_mode
        self.metadata = {**native.metadata, "render_modes": []}
        self.single_observation_space, self.observation_space = (
            native.single_observation_space,
            native.observation_space,
        )
        self.single_action_space, self.action_space = native.single_action_space, native.action_space
        self._native = native
        native.core.seed(slot_seeds(None, num_envs))
        self._stepper: Stepper = make_stepper(native.core, _checked_device(device))
        self.device: torch.device = self._stepper.state.visible.device
        self._choices = n_choices(native.core)
        self._allowed = torch.as_tensor(native.core.pools.allowed, device=self.device)
        # Row -1, the last, is that of a missing candidate.
        table = np.pad(self.world.item_features, ((0, 1), (0, 0)))
        self._features = torch.as_tensor(table, device=self.device)
        self._offered: Tensor | None = None
        self._begun = False

    @property
    def world(self) -> World:
        """The world this environment plays in; an agent that reads it cheats."""
        return self._native.world

    @property
    def catalogue(self) -> Catalogue:
        """What an agent may know of the items."""
        return self._native.catalogue

    @property
    def users(self) -> Tensor:
        """(B,) who is in each slot, rows of the world's user table."""
        return self._stepper.state.slot["user"].clone()

    @property
    def outcome(self) -> dict[str, Tensor]:
        """Field of `recenv.envs.OUTCOME` -> (B, K): the responses of the last step; item -1 where nothing was shown."""
        return {name: column.clone() for name, column in self._stepper.out.outcome.items()}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the next episode of every slot; `seed` and `options` are those of `RecSysVectorEnv.reset`."""
        users, mask = self._native._options(_on_host(options))
        if seed is not None or not self._begun:
            # The first time every slot gets a seed, also those that a mask leaves for later.
            self._stepper.seed(slot_seeds(seed, self.num_envs), mask if self._begun else None)
        self._stepper.begin(users, mask)
        self._begun = True
        return self._observe(), self._info()

    def step(self, actions: Any) -> tuple[Observation, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Show one item (or slate) to every user, (B,) or (B, K); the full responses are in `outcome`.

        `info` always holds "user" (B,), and with `SAME_STEP` "final_obs" and "_final_obs".

        Raises
        ------
        RuntimeError
            Before the first reset, and with `DISABLED` where an episode has ended.
        TypeError, ValueError
            If the actions are no whole numbers, of the wrong shape, or no items.
        """
        self._check_running()
        self._stepper.step(self._items(actions))
        result = {name: column.clone() for name, column in self._stepper.out.result.items()}
        final = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            final = self._final(result["terminated"] | result["truncated"])
        observation = self._observe()
        return observation, result["reward"], result["terminated"], result["truncated"], self._info() | final

    def _info(self) -> dict[str, Any]:
        masks = {"action_mask": self.action_masks()} if self.config.mask_in_info else {}
        return {"user": self.users, **masks}

    def _check_running(self) -> None:
        if not self._begun:
            raise RuntimeError("no episode was begun: call reset() before step()")
        done = self._stepper.state.slot["done"]
        if self.autoreset_mode is AutoresetMode.DISABLED and bool(done.any()):
            slot = int(done.nonzero()[0, 0])
            raise RuntimeError(f"the episode of user {slot} has ended: reset it with options={{'reset_mask': mask}}")

    def _items(self, actions: Any) -> Tensor:
        """Return (B, K) the item ids that actions stand for, -1 where an item is not in the pool."""
        given = actions if isinstance(actions, Tensor) else _tensor(np.array(actions))
        chosen = self._checked(given.to(self.device))
        if self._offered is not None:
            return self._offered.gather(1, chosen)
        return torch.where(self._allowed[chosen], chosen, -1)

    def _checked(self, actions: Tensor) -> Tensor:
        if actions.dtype.is_floating_point or actions.dtype.is_complex or actions.dtype is torch.bool:
            raise TypeError(f"actions must be whole numbers, got dtype {actions.dtype}")
        batch, slate = self.num_envs, self.config.slate_size
        shape = (batch,) if slate == 1 else (batch, slate)
        if tuple(actions.shape) not in (shape, (batch, slate)):
            raise ValueError(f"actions must have shape {shape}, got {tuple(actions.shape)}")
        chosen = actions.reshape(batch, slate).to(torch.int64)
        bad = (chosen < 0) | (chosen >= self._choices)
        if bool(bad.any()):
            slot, place = bad.nonzero()[0].tolist()
            raise ValueError(
                f"action {int(chosen[slot, place])} of user {slot} at position {place} is not an item: "
                f"ids are 0 to {self._choices - 1}"
            )
        return chosen.contiguous()

    def _observe(self) -> Observation:
        """Return the observation, and offer this step's candidates where there are any."""
        state = self._stepper.state
        if self.config.candidates is not None:
            self._offered = self._stepper.candidates()
        return self._seen(state.visible, state.shown, state.felt, self._offered)

    def _final(self, done: Tensor) -> dict[str, Any]:
        out = self._stepper.out
        offered = None if self._offered is None else self._stepper.final_candidates(done)
        seen = self._seen(out.final_observation, out.final_shown, out.final_felt, offered)
        return {"final_obs": seen, "_final_obs": done, "final_info": {}, "_final_info": done}

    def _seen(self, visible: Tensor, shown: Tensor, felt: Tensor, offered: Tensor | None) -> Observation:
        """Return an observation in tensors of its own; see `recenv.envs.observation`."""
        features = None if offered is None else self._features[offered]
        if self.config.observation == "history":
            seen = {"features": visible, "shown": shown, "feedback": felt, "mask": (shown >= 0).to(torch.int8)}
            if offered is not None and features is not None:
                seen |= {"candidates": offered, "candidate_features": features}
            return {name: column.clone() for name, column in seen.items()}
        if offered is None or features is None:
            return visible.clone()
        ids = (offered.double() / self.world.n_items).float()
        return torch.cat([visible, features.flatten(1), ids], dim=1)

    def action_masks(self) -> Tensor:
        """Return (B, N) which items may be shown, or (B, C) which candidates there are."""
        if self._offered is not None:
            return self._offered >= 0
        # A column beyond the catalogue takes what is no item.
        mask = torch.cat([self._allowed, self._allowed[:1]]).repeat(self.num_envs, 1)
        if not self.config.repeat:
            shown = self._stepper.state.shown.long()
            mask.scatter_(1, torch.where(shown >= 0, shown, self._choices), False)
        return mask[:, : self._choices]


def _on_host(options: dict[str, Any] | None) -> dict[str, Any]:
    """Return reset's options with tensors as arrays."""
    return {
        name: value.cpu().numpy() if isinstance(value, Tensor) else value for name, value in (options or {}).items()
    }


def _tensor(actions: NDArray[Any]) -> Tensor:
    if actions.dtype.kind not in "iufb":
        raise TypeError(f"actions must be whole numbers, got dtype {actions.dtype}")
    return torch.from_numpy(actions)


def _checked_device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f'device must be "cpu" or "cuda", got {device!r}') from None
