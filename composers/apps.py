"""The apps: one backend-for-frontend for each kind of device."""

from bff import App

mobile = App("mobile", title="Thali on the phone")
web = App("web", title="Thali in the browser")
