"""The manifold of microstructures: texture vectors and spectra, their distances, embeddings, the tasks of these, texture synthesis."""

from .angles import AngleTask, angle_task
from .classification import Classification, classification_task, nearest_neighbours
from .description import Descriptor, descriptors
from .distances import distance_matrix, distances_to
from .embedding import Embedding, embed, embed_landmarks
from .experiments import ThreeParameterTask, three_parameter_task
from .invariance import ShiftTask, shift_task
from .judgement import judge
from .marbles import Marbles, angle_images, three_parameters
from .measures import Angles, Regression, angle_error, linear_fit, linear_r2, regression_angle
from .micrographs import ComparableMicrographs, Places, comparable, embed_micrographs
from .placement import place
from .projections import project
from .spectra import power_spectra, two_point_vectors
from .synthesis import Synthesis, synthesise
from .texture_vectors import texture_vectors

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
