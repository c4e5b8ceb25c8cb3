"""2-point statistics of phases and fields, their lags and adjoints, and the statistics of a target, computed once."""
