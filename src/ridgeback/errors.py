"""Every error and warning of Ridgeback. Each message says what was wrong, what was expected, what came, what to do."""


class RidgebackError(Exception):
    """Any error that Ridgeback raises on purpose."""


class ParameterError(RidgebackError, ValueError):
    """A parameter or argument has a value, shape or type that cannot be used."""


class DataError(RidgebackError, ValueError):
    """The data cannot be used: NaN, infinite or negative values, a wrong shape, a missing column."""


class BadRowsError(DataError):
    """A row of the source is not an interaction; the message names file, line, column and value."""


class UnknownIdError(RidgebackError, LookupError):
    """An id is not in the table; the message names the closest ids that are."""


class MetricMissingError(RidgebackError, KeyError):
    """The report or comparison has no such metric; the message names those that it has and the closest."""

    def __str__(self) -> str:
        """The message as it is: a `KeyError` would put it into quotes."""
        return str(self.args[0])


class NotFittedError(RidgebackError, ValueError, AttributeError):
    """The model was asked before `fit` was called."""


class HistoryMissingError(RidgebackError):
    """The model file was saved without the users' histories, and this question needs them."""


class UnsupportedError(RidgebackError, TypeError):
    """The model cannot do this; the message says why and which model can."""


class ObjectiveRoseError(RidgebackError, ArithmeticError):
    """An exact half-step raised the loss by more than rounding: a bug or numbers beyond float32."""


class TraceMismatchError(RidgebackError, ArithmeticError):
    """A row that an exact half-step stored is not the solution of its system: a bug."""


class ModelFileError(RidgebackError, ValueError):
    """A file is not a model file that can be read; the message names what is wrong and where."""


class MissingDependencyError(RidgebackError, ImportError):
    """An optional package is needed; the message gives the command that installs it."""


class RidgebackWarning(UserWarning):
    """Something that a caller should know and that does not stop the work."""
