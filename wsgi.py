"""The REST API for a WSGI server of your own choice: ``application`` over the settings of the environment.

``calbridge api`` needs no such file. Let the server load it after it forked.
"""

from calbridge.app import wsgi_application
from calbridge.settings import load_settings

application = wsgi_application(load_settings())
