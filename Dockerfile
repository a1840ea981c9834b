# The page, the API and the command line in one image. See docs/admin/serve.md#containers.
# The first stage has pip and the source; the second only the installation.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY botchat ./botchat
RUN python -m venv /opt/botchat \
    && /opt/botchat/bin/pip install --no-cache-dir --disable-pip-version-check ".[oidc]" \
    && /opt/botchat/bin/pip uninstall --yes pip

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="botchat" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin botchat \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/botchat /opt/botchat
# botchat writes only to /data (the SQLite file, rescued replies) and /tmp.
ENV PATH=/opt/botchat/bin:$PATH \
    HOME=/data \
    XDG_DATA_HOME=/data \
    XDG_CONFIG_HOME=/etc \
    PYTHONDONTWRITEBYTECODE=1 \
    BOTCHAT_HEALTH=http://127.0.0.1:8501/_stcore/health
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8501 8600
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['BOTCHAT_HEALTH'], timeout=4)"]
ENTRYPOINT ["botchat"]
CMD ["web", "--host", "0.0.0.0", "--port", "8501"]
