"""What can go wrong with a model; the messages are meant for people."""

from coinsphere.errors import CoinsphereError


class ModelError(CoinsphereError):
    """Base of the errors of this package."""


class TooLittleHistory(ModelError):
    """A token has too few usable days to train, calibrate and test a model, or to forecast from."""


class BadHistory(ModelError):
    """A price series holds what no price is: not a number, infinite, zero or negative, or days out of order."""


class ArtifactRefused(ModelError):
    """The files of a model are not what its manifest says, or are of a kind that is never loaded."""


class NoChampion(ModelError):
    """No evaluated model of the token is registered."""


class RegistryUnavailable(ModelError):
    """The tracking server gave no usable answer."""
