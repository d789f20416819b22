"""The backend that drives ezkl, and hides its files, its event loops and its traps."""
