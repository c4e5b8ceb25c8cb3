"""Synthetic microstructures from a numpy Generator, and the closed forms of their 2-point statistics where these are known."""

from .boxes import boxes_statistics, fill_boxes
from .checkers import checkerboard, checkerboard_statistics
from .discs import circles, circles_statistics
from .gaussian import gaussian_field, lag_distance
from .laminates import laminate, laminate_statistics
from .level_cuts import level_cut_statistics, random_field
from .line_images import LineDrawing, draw_lines, lines
from .perlin import perlin_noise
from .waves import marble, plane_wave_statistics

__all__ = [
    "LineDrawing",
    "boxes_statistics",
    "checkerboard",
    "checkerboard_statistics",
    "circles",
    "circles_statistics",
    "draw_lines",
    "fill_boxes",
    "gaussian_field",
    "lag_distance",
    "laminate",
    "laminate_statistics",
    "level_cut_statistics",
    "lines",
    "marble",
    "perlin_noise",
    "plane_wave_statistics",
    "random_field",
]
