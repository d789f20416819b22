"""How the shipped models were trained; each module runs with ``python -m``.

The split is made once by scikit-learn with `random_state=0`. Training again on the same machine
with the same torch gives the same weights to the last bit; on another, about the same.
"""
