"""The choices of a run in JAX."""

from dataclasses import dataclass
from typing import ClassVar

from ...training.choices import Training, option
from ..config import OfCESSVAE


@dataclass(frozen=True)
class JAXConfig(OfCESSVAE, Training):
    """Choices of a run in JAX, which are also the options of ``examples/train_jax_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.
    """

    loss: str = option(
        "mse_cess",
        "alpha MSE + CESS, eq. (10); one of the two terms; CESS on the centre crop; or CESS of cumulative statistics there",
        choices=("mse_cess", "mse", "cess", "crop", "cumulative"),
    )
    start: str = option("", "folder of a trained network whose weights this one starts from")
    batch_size: int = option(32, "images in a step, over all devices")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Training.POSITIVE, *OfCESSVAE.POSITIVE)
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("data", "start")
    OPTIONAL_FILES: ClassVar[tuple[str, ...]] = ("start",)
