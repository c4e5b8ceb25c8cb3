"""A finder for the modules of twopoint that numba compiles; the checking of annotations would wrap their functions."""

from importlib.machinery import PathFinder


class Compiled(PathFinder):
    """Finds the functions that numba compiles without a wrapper; it stands before the finder that checks annotations."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return super().find_spec(fullname, path, target) if fullname.startswith("twopoint.") and fullname.endswith(".kernels") else None
