"""A strict and stateful double of the Google Calendar API v3, its token endpoint and its consent page, on loopback.

What the discovery document that comes with google-api-python-client does not know is refused. The oddities of
:class:`Quirks` are those of the dossier; where it calls a behaviour unverified, a switch offers each of them.
"""

from tests.doubles.google.double import GoogleDouble, google_double
from tests.doubles.google.quirks import Quirks
from tests.doubles.google.refusing import ApiError
from tests.doubles.google.signing import Client

__all__ = ["ApiError", "Client", "GoogleDouble", "Quirks", "google_double"]
