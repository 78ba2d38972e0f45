# The lab as one image: the site, the server, etcd and etcdctl. Members and providers are processes
# inside the container, so it needs no Docker socket and no privilege.
#
#   docker build -t ming-registry-lab .
#   docker run --rm --read-only -p 127.0.0.1:4379:4379 ming-registry-lab
#
# Every base is a build argument, as is its digest; a network that carries neither of these images
# names its own, with its certificates and npm settings in them. Both builders of Docker can build
# this file, so it uses nothing that only BuildKit knows.

ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim
# Such as @sha256:…
ARG NODE_DIGEST=
# Has npm as well; any image with this Node will do.
ARG BUILD_IMAGE=${NODE_IMAGE}
ARG BUILD_DIGEST=${NODE_DIGEST}
# As in docker-compose.yml; holds /usr/local/bin/etcd and etcdctl.
ARG ETCD_IMAGE=gcr.io/etcd-development/etcd
ARG ETCD_VERSION=v3.6.14
ARG ETCD_DIGEST=

FROM ${ETCD_IMAGE}:${ETCD_VERSION}${ETCD_DIGEST} AS etcd

FROM ${BUILD_IMAGE}${BUILD_DIGEST} AS build
WORKDIR /build
ENV ASTRO_TELEMETRY_DISABLED=1
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --no-progress
COPY . .
ARG BASE_PATH=/
ARG PUBLIC_URL=
RUN node_modules/.bin/astro build
# Express and others are development packages, because `npm pack` must not ask for them (decision
# 0011). Here they stay, with the packages of `dependencies`, in the versions of the lockfile.
RUN node setup/image/keep-server-packages.mjs && npm prune --omit=dev --no-progress
RUN mkdir -p /image/app /image/data \
 && mv package.json LICENSE node_modules protocol lab-server dist setup/image/check-health.mjs /image/app \
 && rm -rf /image/app/node_modules/.vite /image/app/node_modules/.astro \
 && find /image/app/protocol /image/app/lab-server -name '*.test.ts' -delete

FROM ${NODE_IMAGE}${NODE_DIGEST}
# That of package.json.
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Ming Registry Lab" \
      org.opencontainers.image.description="Bilingual documentation with a runnable lab: etcd as the service registry of an RPC framework" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=etcd /usr/local/bin/etcd /usr/local/bin/etcdctl /usr/local/bin/
COPY --from=build /image/app /app
# The one place that is written to. A disk, not a tmpfs: a lab preallocates about 370 MB.
COPY --from=build --chown=65532:65532 /image/data /data
ARG BASE_PATH=/
ARG PUBLIC_URL=
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4379 \
    BASE_PATH=${BASE_PATH} \
    PUBLIC_URL=${PUBLIC_URL} \
    LAB_ETCD_DIR=/usr/local/bin \
    LAB_DATA_DIR=/data
USER 65532:65532
WORKDIR /app
VOLUME ["/data"]
EXPOSE 4379
# As PID 1 the server handles SIGTERM itself: it takes leave of its readers, ends their labs within
# 15 s and removes their data.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 \
    CMD ["node", "check-health.mjs"]
ENTRYPOINT ["node", "lab-server/main.ts"]
