"""Regimes of training: the losses of the first and the second half, and the measure by which a run is judged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Regime:
    """A training in two halves of equal length, so that every regime takes equally many steps. Both halves may have the same loss."""

    start: str  # loss of the first half, of LOSSES
    finish: str  # loss of the second half
    judge: str  # measure on the validation images that a sweep minimises
    own: tuple[str, ...]  # fields of CESSConfig that only the losses of this regime use
    about: str

    @property
    def swept(self) -> tuple[str, ...]:
        """The numerical fields among its own, which a sweep varies besides the learning rate."""
        return tuple(name for name in self.own if name not in NOT_SWEPT)


_NETWORKS = ("decoder_depth", "discriminator_width", "discriminator_rate")
NOT_SWEPT = ("vgg", "style_layers", "short_weight", "crop_weight", "short_boxes", "threshold", *_NETWORKS)
REGIMES = {
    "mse": Regime("mse", "mse", "mse", (), "mean squared error of pixels"),
    "mse_cess": Regime("mse_cess", "mse_cess", "cess", ("alpha",), "alpha MSE + CESS, eq. (10)"),
    "cess_finetuned": Regime("mse", "cess", "cess", (), "MSE, then CESS, eq. (8)"),
    "crop_finetuned": Regime("mse", "crop", "crop", (), "MSE, then CESS on the centre crop, eq. (11)"),
    "cumulative_finetuned": Regime(
        "mse", "cumulative", "cumulative", ("crop_weight", "short_boxes"), "MSE, then CESS of cumulative statistics in short boxes"
    ),
    "style": Regime("mse", "style", "style", ("vgg", "style_layers"), "MSE, then the style loss on VGG-19, eq. (3)"),
    "style_from_scratch": Regime("style", "style", "style", ("vgg", "style_layers"), "the style loss on VGG-19, eq. (3), alone"),
    "cess_clamp": Regime("cess_clamp", "cess_clamp", "cess", ("clamp_weight", "sigma"), "control: CESS and clamp from scratch, Fig. 4"),
    "sharp": Regime(
        "mse",
        "sharp",
        "thresholded",
        ("sharpness", "short_weight", "threshold"),
        "ours: MSE, then CESS of the thresholded image, all lags and short ones, with noise in the decoder for its texture",
    ),
    "adversarial": Regime(
        "mse",
        "adversarial",
        "thresholded_cumulative",
        (*(f"{term}_weight" for term in ("adversarial", "cess", "cumulative", "means", "patches")), *_NETWORKS),
        "ours: MSE, then statistics, means of blocks and patches, and a discriminator, with a deeper decoder that has noise",
    ),
}
