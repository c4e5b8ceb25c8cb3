"""Arrays of any library: namespaces, Fourier transforms, checks of arguments, and all code that is specific to torch or jax.

Only what :mod:`twopoint.backend` exports is public.
"""
