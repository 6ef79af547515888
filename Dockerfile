# The gateway (default) and, with TARGET=demo, the demo's backends too. Slim, not root, installed from the hash lock.
FROM python:3.11-slim AS built
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY bff bff
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim AS gateway
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /app thali
WORKDIR /app
COPY --from=built /venv /venv
COPY clients clients
COPY schemas schemas
COPY composers composers
COPY bff.toml bff.toml
USER thali
EXPOSE 8000
CMD ["bff", "serve"]

FROM gateway AS demo
COPY backends backends
ENV THALI_DATA=/tmp/thali
CMD ["python", "-m", "backends", "--host", "0.0.0.0"]

FROM gateway
