"""The API as gunicorn loads it: `gunicorn --config webapi/gunicorn.conf.py webapi.wsgi:app`."""

from coinsphere import log
from coinsphere.settings import Settings
from webapi.app import create_app

_settings = Settings.from_env()
log.configure(_settings.log_level)

app = create_app(_settings)
