"""The worked examples: small matrices in float64, each step recorded, beside what a well-known tutorial prints."""

from ridgeback.examples.differences import differences
from ridgeback.examples.explicit import explicit_2x2
from ridgeback.examples.implicit import implicit_2x2
from ridgeback.examples.new_user import new_user_2x2
from ridgeback.examples.starts import starts

__all__ = ["differences", "explicit_2x2", "implicit_2x2", "new_user_2x2", "starts"]
