"""What a training leaves behind besides the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..engine.errors import InputError


@dataclass
class History:
    """The numbers of a training; rows of one length belong together.

    Attributes:
        steps: 1, 2, …: one for each training step, as are the next three.
        losses: the loss of that step's batch before the step, nats per character.
        lrs: the learning rate it was made with, of the first group of parameters.
        times: seconds of training until its end, evaluations included.
        val_steps: how many steps had been made at each evaluation, first 0.
        val_losses: the validation loss then, nats per character.
        interrupted: whether the training was ended by Ctrl-C.

    >>> history = History(val_steps=[0, 10], val_losses=[4.6, 3.1])
    >>> history.best
    3.1
    >>> History.from_json(history.to_json()) == history
    True
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    val_steps: list[int] = field(default_factory=list)
    val_losses: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def step(self) -> int:
        """How many steps were made."""
        return len(self.steps)

    @property
    def seconds(self) -> float:
        """How long that took."""
        return self.times[-1] if self.times else 0.0

    @property
    def best(self) -> float:
        """The lowest validation loss so far, infinity before the first."""
        return min(self.val_losses, default=float("inf"))

    def to_json(self) -> dict[str, Any]:
        """What `from_json` needs, in types that JSON knows."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> History:
        """The history that `to_json` described.

        Raises:
            InputError: this does not describe one.
        """
        if not isinstance(saved, dict) or set(saved) != {field.name for field in fields(cls)}:
            raise InputError(f"no training history is described by {saved!r:.60}")
        return cls(**saved)
