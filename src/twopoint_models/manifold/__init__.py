"""The manifold of microstructures: textures as vectors, and embeddings in which distance means difference of texture.

Lubbers, Lookman and Barros, *Inferring low-dimensional microstructure representations using convolutional neural networks*. The Gram
matrices of a convolutional network describe a micrograph; multidimensional scaling embeds many of them in a few dimensions.

Where the paper's parts are:

- eqs. (1) to (4), texture vectors: ``vectors``, which also has the descriptors that the tasks compare
- eqs. (5) to (7), power spectra, and 2-point statistics as vectors: ``spectra``
- eqs. (4) and (7), distances: ``distances``; eq. (8), metric multidimensional scaling and its stress: ``embedding``
- eq. (9) and Fig. 3, the images: ``images``
- eqs. (10) to (14), measures of an embedding against the parameters: ``measures``
- sections IV.B and IV.C, the tasks: ``tasks``; given images, of known classes or a user's own: ``micrographs``
- Fig. 1, texture synthesis: ``synthesis``
- Table I: ``tables``; Figs 5 to 12: ``figures``; Figs 1, 3 and 4 and thumbnails: ``pictures``; all of a task together: ``reports``

The commands, with a form for two cores::

    python examples/manifold.py --out manifold --small
    python examples/embed_micrographs.py FOLDER --out embedding --small
    python examples/synthesise_texture.py IMAGE --out textures --small
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .distances import distance_matrix, distances_to
    from .embedding import Embedding, embed, embed_landmarks, place
    from .images import Marbles, angle_images, three_parameters
    from .measures import Angles, Regression, angle_error, linear_fit, linear_r2, project, regression_angle
    from .micrographs import (
        Classification,
        ComparableMicrographs,
        Places,
        classification_task,
        comparable,
        embed_micrographs,
        nearest_neighbours,
    )
    from .spectra import power_spectra, two_point_vectors
    from .synthesis import Synthesis, judge, synthesise
    from .tasks import AngleTask, ShiftTask, ThreeParameterTask, angle_task, shift_task, three_parameter_task
    from .vectors import Descriptor, descriptors, texture_vectors

__all__ = [
    "AngleTask",
    "Angles",
    "Classification",
    "ComparableMicrographs",
    "Descriptor",
    "Embedding",
    "Marbles",
    "Places",
    "Regression",
    "ShiftTask",
    "Synthesis",
    "ThreeParameterTask",
    "angle_error",
    "angle_images",
    "angle_task",
    "classification_task",
    "comparable",
    "descriptors",
    "distance_matrix",
    "distances_to",
    "embed",
    "embed_landmarks",
    "embed_micrographs",
    "judge",
    "linear_fit",
    "linear_r2",
    "nearest_neighbours",
    "place",
    "power_spectra",
    "project",
    "regression_angle",
    "shift_task",
    "synthesise",
    "texture_vectors",
    "three_parameter_task",
    "three_parameters",
    "two_point_vectors",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".distances": "distance_matrix distances_to",
        ".embedding": "Embedding embed embed_landmarks place",
        ".images": "Marbles angle_images three_parameters",
        ".measures": "Angles Regression angle_error linear_fit linear_r2 project regression_angle",
        ".micrographs": ("Classification ComparableMicrographs Places classification_task comparable embed_micrographs nearest_neighbours"),
        ".spectra": "power_spectra two_point_vectors",
        ".synthesis": "Synthesis judge synthesise",
        ".tasks": "AngleTask ShiftTask ThreeParameterTask angle_task shift_task three_parameter_task",
        ".vectors": "Descriptor descriptors texture_vectors",
    },
)
