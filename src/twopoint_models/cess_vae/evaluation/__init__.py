"""Evaluation of reconstructions, section 4.1 of Cai et al.

``evaluate`` scores each reconstruction, ``comparisons`` compares rows with intervals, ``tables`` and ``figures`` (Figs 7 to 12) show the
result, and ``sensitivity`` has the curves of Fig. 8.
"""
