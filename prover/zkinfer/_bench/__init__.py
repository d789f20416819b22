"""Measures backends side by side: one run, one machine, the same models and inputs."""

from zkinfer._bench._measure import BACKENDS, Plan, measure
from zkinfer._bench._page import bench_page
from zkinfer._bench._random import RANDOM, RandomModel
from zkinfer._bench._table import tables

__all__ = ["BACKENDS", "RANDOM", "Plan", "RandomModel", "bench_page", "measure", "tables"]
