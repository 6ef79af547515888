"""The stub backends: one nginx with static JSON on a port for each service, which also counts the calls it gets."""

import http.client
import re
import sys

from benchmarks.payloads import files
from benchmarks.places import LOAD_CORE, ROOT, STUB_STATUS_PORT, STUBS, WORK
from benchmarks.process import Served

# `no-store` and no validators: what caches by HTTP's rules has nothing to go by, so each screen costs its calls.
_CONFIG = """\
daemon off; master_process off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx-error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off; server_tokens off; etag off; sendfile off; tcp_nodelay on; default_type application/json;
    keepalive_timeout 600s; keepalive_requests 1000000000; open_file_cache max=100 inactive=1h;
    client_body_temp_path {work}/nginx-body; proxy_temp_path {work}/nginx-proxy; fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi; scgi_temp_path {work}/nginx-scgi;
    add_header Cache-Control no-store; add_header Last-Modified "";
    server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
{servers}
}}
"""


def nginx() -> Served:
    """Every service of places.STUBS on the load core; answers at once."""
    root = WORK / "stubs"
    servers = []
    for service, answers in files().items():
        folder = root / service
        folder.mkdir(parents=True, exist_ok=True)
        locations = []
        for path, body in answers.items():
            file = folder / f"{path.strip('/')}.json"
            file.write_bytes(body)
            locations.append(f"location = {path} {{ alias {file}; }}")
        port = STUBS[service]
        servers.append(f"    server {{ listen 127.0.0.1:{port} backlog=4096; {' '.join(locations)} }}")
    config = WORK / "nginx.conf"
    config.write_text(_CONFIG.format(work=WORK, status=STUB_STATUS_PORT, servers="\n".join(servers)))
    command = ["nginx", "-p", str(WORK), "-e", str(WORK / "nginx-error.log"), "-c", str(config)]
    return Served("nginx", command, STUB_STATUS_PORT, core=LOAD_CORE, cwd=WORK)


def requests_counted() -> int:
    """Requests that the stubs have had since they started, this one included."""
    connection = http.client.HTTPConnection("127.0.0.1", STUB_STATUS_PORT, timeout=5)
    try:
        connection.request("GET", "/")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.search(r"requests\s+\d+ \d+ (\d+)", text)
    if found is None:
        raise RuntimeError(f"the stubs' counter is unreadable: {text!r}")
    return int(found.group(1))


def slow() -> Served:
    """W1's services on the same ports, each as slow as places.DELAYS says."""
    return Served(
        "slow-stubs",
        [sys.executable, "-m", "benchmarks.slow_stubs"],
        STUBS["notifications"],
        core=LOAD_CORE,
        cwd=ROOT,
    )
