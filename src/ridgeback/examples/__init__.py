"""The worked examples, and your own small matrices by hand: in float64, each step recorded.

The examples stand beside what a well-known tutorial prints. `trace_matrix` does the same for any model and matrix.
"""

from ridgeback.examples.differences import differences
from ridgeback.examples.explicit import explicit_2x2
from ridgeback.examples.implicit import implicit_2x2
from ridgeback.examples.new_user import new_user_2x2
from ridgeback.examples.starts import starts
from ridgeback.examples.twins import by_hand, fold_in_by_hand, matrix_interactions, trace_matrix

__all__ = [
    "by_hand",
    "differences",
    "explicit_2x2",
    "fold_in_by_hand",
    "implicit_2x2",
    "matrix_interactions",
    "new_user_2x2",
    "starts",
    "trace_matrix",
]
