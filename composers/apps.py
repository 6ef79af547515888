"""The apps: one backend-for-frontend for each kind of device, and one for partners' programs."""

from bff import App

mobile = App("mobile", title="Thali on the phone", owner="mobile team")
web = App("web", title="Thali in the browser", owner="web team")
partner = App("partner", title="Thali for partners", owner="partners team", identities=("api_key",))
