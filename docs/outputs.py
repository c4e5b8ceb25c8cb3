"""What each command prints and writes, under the names that it uses without --out; files that only an option writes begin with its name.

Capitals stand for a name or a number. In the description of a table, of a .npz file and of a .json file without a schema, the names in
backticks are its columns, arrays and keys; ``tests/twopoint_models/cli/test_outputs.py`` compares them with files that the commands write.
"""

RUN = "the command and the options on which the numbers depend; a second call reads it: `twopoint run 1`"
NETWORK = {
    "run/model.json": "what builds the network: `network`, `version`, `options`",
    "run/model.safetensors": "its weights",
    "run/training.json": "all choices of the training, by the names of the options",
    "run/latents.csv": "what each latent number carries: its index, `kl` in nats, `posterior_deviation`",
    "run/examples.npz": "patches of the training, from which designs begin: `images`",
    "run/pictures/epoch-N.png": "validation images beside their reconstructions after an epoch",
    "run/checkpoints/NAME.ckpt": "what resumes the training: the last state and the best one",
    "run/logs/csv/version_N/metrics.csv": "the curves",
    "run/logs/csv/version_N/hparams.yaml": "the choices again, for readers of such logs",
    "run/logs/tensorboard/version_N/NAME": "the same for TensorBoard",
    "run/twopoint-run.json": RUN,
}
PLACE = "`file`, and `row` and `column` of the tile"
BLOCKS = "`settings` of the call, images that were left out with the reason in `skipped`, `notes` on images"
IMAGES = "`images`, memberships of phases or gray values, and their `names`"

OUTPUTS: dict[str, dict[str, str]] = {
    "demo": {"twopoint-demo.png": "the picture", "--json FILE.json": "the numbers: `twopoint reconstruction 1`"},
    "stats": {
        "FILE-stats.png": "the picture of one image",
        "--json FILE.json": "the numbers of one image: `twopoint stats 1`; of several `twopoint summary 1`",
        "--save FILE.npz": "statistics for `twopoint reconstruct` and Python: `format`, `correlations`, `pair_counts`, `shape`, "
        "`boundary`, `crop`, `spacing`, `unit`, `source`",
        "--csv FILE.csv": "descriptors: `descriptor`, `quantity`, `phase`, `axis`, `distance` with its unit, `value`, `unit`",
        "twopoint-stats/summary.csv": "a row per image: `source`, `status`, `shape`, `phases`, `boundary`, `lags`, `step`, `unit`, "
        "`segmentation`, `thresholds`, `points`; of each phase `volume_fraction_N`, `specific_surface_N`, `correlation_length_N`, "
        "`covariance_far_away_N`, `anisotropy_N`; `field_large_enough`, `field_of_view`, `picture`, `notes`, `reason`",
        "twopoint-stats/summary.json": "the same, with mean and spread: `twopoint summary 1`",
        "twopoint-stats/FILE.json": "the numbers and curves of an image: `twopoint stats 1`",
        "twopoint-stats/FILE-stats.png": "its picture; none with --no-pictures",
        "twopoint-stats/twopoint-run.json": RUN,
    },
    "report": {"report.html": "one page with pictures, tables and curves, which needs no other file"},
    "compare": {
        "A-B-compare.png": "the picture of two images",
        "--json FILE.json": "the numbers of two images: `twopoint compare 1`; of several `twopoint distances 1`",
        "twopoint-compare/distances.csv": "the matrix of distances, row A, column B: `cluster`, and a column for each image",
        "twopoint-compare/pairs.csv": "`a`, `b`, `excess_cess`, `cumulative_excess_cess`, `error` of each ordered pair",
        "twopoint-compare/distances.json": "the same with lags, dendrogram and groups: `twopoint distances 1`",
        "twopoint-compare/distances.png": "matrix and dendrogram",
        "twopoint-compare/twopoint-run.json": RUN,
    },
    "reconstruct": {
        "FILE-reconstruction.png": "the picture",
        "--json FILE.json": "the numbers: `twopoint reconstruction 1`",
        "--labels FILE.npy": "the labels of the phases; as .tif or, for an image, .png too",
    },
    "doctor": {"--json FILE.json": "the same as is printed: `twopoint doctor 1`"},
    "model list": {},
    "model encode": {
        "latents/latents.csv": f"{PLACE}, latents `zN`",
        "latents/latents.npz": "latent images `mean` and `log_variance`, (rows, channels, h, w), and `names`: file, row and column",
        "latents/summary.json": f"`network`, shape of the `latents`, number of `rows`, {BLOCKS}",
        "latents/twopoint-run.json": RUN,
    },
    "model decode": {
        "decoded/decoded.png": "the first 64 images",
        "decoded/images.npz": IMAGES,
        "decoded/twopoint-run.json": RUN,
    },
    "model sample": {
        "samples/samples.png": "the first 64 images",
        "samples/images.npz": IMAGES,
        "samples/twopoint-run.json": RUN,
    },
    "model interpolate": {
        "interpolation/interpolation.png": "the images in a row",
        "interpolation/images.npz": IMAGES,
        "interpolation/twopoint-run.json": RUN,
    },
    "model reconstruct": {
        "reconstructions/reconstructions.csv": f"{PLACE}, and the errors: `soft`, `thresholded`, `cumulative`, `fraction_error`",
        "reconstructions/reconstructions.png": "the first images beside their reconstructions",
        "reconstructions/pictures/NAME.png": "each image beside its reconstruction",
        "reconstructions/summary.json": f"`network`, the `median` of each measure, what the `columns` are, {BLOCKS}",
        "reconstructions/twopoint-run.json": RUN,
    },
    "model evaluate": {
        "evaluation/summary.md": "the tables",
        "evaluation/summary.json": "`size`, number of `images`, medians and intervals of the `excess`, shares of `pairwise` comparisons "
        "and `pairwise_interval`, `fraction_error` and `interface_ratio` with `fraction_error_interval` and `interface_ratio_interval`, "
        "`interface_by_class`, excess of `lines_100_px_apart`",
        "evaluation/images.csv": "a row per tile: `class`, `index`, and a column for each network, output and choice of lags",
        "evaluation/NAME.png": "the figures of the paper",
        "evaluation/outliers/NAME.png": "the tiles with the largest excess",
        "evaluation/reconstructions/NAME.png": "reconstructions of an image, soft and thresholded",
        "evaluation/twopoint-run.json": RUN,
    },
    "model homogenise": {
        "properties/properties.csv": f"{PLACE}, `volume_fraction_N`; with --young `E_x`, `E_y`, `G_xy`, `nu_xy`, `nu_yx`, the stiffness "
        "`C_N`, and its bounds `Reuss_C_N` and `Voigt_C_N`; with --conductivity `k_x`, `k_y`, `k_xy`, `Wiener_lower`, `Wiener_upper`; "
        "units in brackets",
        "properties/summary.json": f"`mean` and `units` of each column, {BLOCKS}",
        "properties/twopoint-run.json": RUN,
    },
    "model predict": {
        "properties/properties.csv": f"{PLACE}; `E_x`, `E_y`, `G_xy`, `nu_xy`, `nu_yx`, `k_x`, `k_y`, each followed by the ends of its "
        "interval; units in brackets",
        "properties/summary.json": f"`network`, `materials`, `units`, share of tiles for which intervals hold in `level`, number of "
        f"`rows`, `mean` of each property, {BLOCKS}",
        "properties/twopoint-run.json": RUN,
    },
    "model design": {
        "designs/designs.csv": "`design`, the target properties, `volume_fraction`, `error`",
        "designs/designs.npz": "`designs`, labels (designs, H, W)",
        "designs/designs.png": "all designs",
        "designs/design-N.png": "one design, a pixel for each point",
        "designs/twopoint-run.json": RUN,
    },
    "model embed": {
        "map/thumbnails.png": "the images at their places in the plane",
        "map/coordinates.csv": "`file`, `x` and `y` in the plane, `dN` in all dimensions",
        "map/summary.json": "number of `images`, their `size`, `dimensions`, `stress` and `stress_of_plane`, `remarks`",
        "map/twopoint-run.json": RUN,
    },
    "model synthesise": {
        "textures/textures.png": "images, textures and noise",
        "textures/FILE.npz": "`image`, and the loss after each iteration in `history`",
        "textures/summary.json": "loss, error and excess CESS of each texture, by the name of the image",
        "textures/twopoint-run.json": RUN,
    },
    "model train cess-vae": NETWORK,
    "model train texture-vae": {name: told for name, told in NETWORK.items() if "examples" not in name},
    "model train statistics-vae": {name: told for name, told in NETWORK.items() if "examples" not in name},
    "model train predictor": {
        "predictor/model.json": NETWORK["run/model.json"],
        "predictor/model.safetensors": NETWORK["run/model.safetensors"],
        "predictor/predictor.json": "`size` of the tiles, `materials`, `units`, number of `images`, half widths of intervals by `factor` "
        "and `offset`, their `level`, errors on the images `kept` out",
        "predictor/encoder/NAME": "the CESS VAE whose latents are the input",
        "predictor/examples.npz": NETWORK["run/examples.npz"],
        "predictor/twopoint-run.json": RUN,
    },
}

PRINTED = {
    "demo": "the errors of the reconstruction",
    "stats": "a table of the phases; of several images a row each",
    "report": "the name of the page",
    "compare": "a table of the differences; of several images their groups",
    "reconstruct": "the errors of the reconstruction",
    "doctor": "packages, devices, threads, and a line for each library",
    "model list": "a line for each network, or a card",
    "model encode": "the number of rows",
    "model decode": "the number of images",
    "model sample": "the number of images",
    "model interpolate": "the number of images",
    "model reconstruct": "medians of what was lost",
    "model evaluate": "the medians of the network beside those of reconstructions without training",
    "model homogenise": "the means of the properties",
    "model predict": "the means of the properties",
    "model design": "the properties of each design and its error",
    "model embed": "the stress of the map",
    "model synthesise": "the errors of each texture",
    "model train cess-vae": "what was trained, and the command that uses it",
    "model train texture-vae": "what was trained, and the command that uses it",
    "model train statistics-vae": "what was trained, and the command that uses it",
    "model train predictor": "the errors on images that were kept out",
}
