"""Repeatable measurements, as ratios in one run: machines differ, and most are shared."""
