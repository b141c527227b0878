"""A page for CS ops and managers over what was published; it reads nothing else."""
