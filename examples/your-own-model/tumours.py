"""The data of the tutorial: 569 breast tumours measured under the microscope, which scikit-learn brings along.

``rows`` is the loader that the pipeline calls; it may do anything, as long as it returns a pandas DataFrame.
"""

import pandas as pd
from sklearn.datasets import load_breast_cancer

TARGET = "benign"


def rows(only: str = "", scale: float = 1.0) -> pd.DataFrame:
    """All tumours, a column for each measurement (``mean_radius`` …) and ``benign`` (1 or 0).

    ``only``: keep the measurements whose names begin so. ``scale``: multiply all of them, as another microscope would.
    """
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    kept = [name for name in table.columns if name.startswith(only)]
    return (table[kept] * scale).assign(**{TARGET: bunch.target})
