"""What a run of the CESS VAE is."""

from dataclasses import dataclass
from typing import ClassVar

from ..choices import option
from ..training_choices import OfCESSVAE
from .options import Options
from .regimes import REGIMES


@dataclass(frozen=True)
class Config(OfCESSVAE, Options):
    """Every choice of a run, of the data, the network, the loss and the training.

    Values are plain, so that the file ``training.json`` beside a result says how it came about. Fields and their meaning stand in
    ``Config.help()``; the command line of ``examples/train_cess_vae.py`` is made of them. Epochs are those of both halves of a regime.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.

    Examples
    --------
    >>> from twopoint_models.training import Config
    >>> Config(data="generated.h5", regime="cess_finetuned", epochs=30).finish_epochs
    15
    """

    regime: str = option(
        "sharp", "way of training: " + "; ".join(f"{name} ({regime.about})" for name, regime in REGIMES.items()), choices=tuple(REGIMES)
    )
    classes: tuple[str, ...] = option((), "classes to take, by default all", nargs="*")
    together: bool = option(False, "images of all classes at one index come into one part")
    restart_every: int = option(15, "epochs of one cosine of the learning rate; each half begins with its own")
    start_learning_rate: float = option(0.0, "of a regime's first half; 0 is that of the second")
    clamp_weight: float = option(0.01, "weight of the clamp, a pixel, eq. (9)")
    sigma: float = option(0.05, "variance of the clamp's Gaussians, eq. (9)")
    sharpness: float = option(4.0, "factor on the shifted logits in the sharp regime")
    short_weight: float = option(0.1, "weight of the centre crops beside all lags in the sharp regime")
    style_layers: tuple[str, ...] = option(("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"), "layers of the style loss", nargs="+")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, *OfCESSVAE.POSITIVE, "sigma", "sharpness")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.regime == "sharp" and self.phases > 2:
            raise ValueError(f"regime 'sharp' is for two phases, got phases {self.phases}")

    @property
    def start_epochs(self) -> int:
        """Epochs of the first half."""
        return self.epochs - self.finish_epochs

    @property
    def finish_epochs(self) -> int:
        """Epochs of the second half, one more where they are odd."""
        return self.epochs - self.epochs // 2
