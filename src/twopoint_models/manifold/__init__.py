"""The manifold of microstructures: texture vectors and spectra, their distances, embeddings, the tasks of these, texture synthesis."""

from .distances import distance_matrix, distances_to
from .embedding import Embedding, embed, embed_landmarks
from .marbles import Marbles, angle_images, three_parameters
from .placement import place
from .spectra import power_spectra, two_point_vectors
from .synthesis import Synthesis, synthesise
from .tasks import Angles, Regression, angle_error, linear_fit, linear_r2, regression_angle
from .texture_vectors import texture_vectors

__all__ = [
    "Angles",
    "Embedding",
    "Marbles",
    "Regression",
    "Synthesis",
    "angle_error",
    "angle_images",
    "distance_matrix",
    "distances_to",
    "embed",
    "embed_landmarks",
    "linear_fit",
    "linear_r2",
    "place",
    "power_spectra",
    "regression_angle",
    "synthesise",
    "texture_vectors",
    "three_parameters",
    "two_point_vectors",
]
