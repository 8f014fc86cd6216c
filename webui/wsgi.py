"""Pages and API as gunicorn loads them: `gunicorn --config webapi/gunicorn.conf.py webui.wsgi:app`."""

import logging

from coinsphere import log
from coinsphere.settings import Settings
from webui.app import create_app

_settings = Settings.from_env()
log.configure(_settings.log_level)
# It notes each request at INFO; what fails is noted where it is asked.
logging.getLogger("httpx2").setLevel(logging.WARNING)

app = create_app(_settings)
