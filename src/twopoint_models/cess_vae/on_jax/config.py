"""What a run in JAX is."""

from dataclasses import dataclass
from typing import ClassVar

from ...training.choices import Training, option
from ..config import OfCESSVAE


@dataclass(frozen=True)
class JAXConfig(OfCESSVAE, Training):
    """Every choice of a run in JAX; its command line is that of ``examples/train_jax_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.
    """

    loss: str = option(
        "mse_cess", "alpha MSE + CESS, eq. (10); or one of both, or CESS on the centre crop", choices=("mse_cess", "mse", "cess", "crop")
    )
    start: str = option("", "folder of a trained network whose weights this one starts from")
    batch_size: int = option(32, "images of a step, on all devices together")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Training.POSITIVE, *OfCESSVAE.POSITIVE)
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("data", "start")
    OPTIONAL_FILES: ClassVar[tuple[str, ...]] = ("start",)
