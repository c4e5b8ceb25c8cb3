"""Arrays of any library: the door of every public function, transforms, refusals, and all that torch and jax must be told.

Nothing here is public but what :mod:`twopoint.backend` hands on.
"""
