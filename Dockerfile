# The tools in an image, for the chart's value watch.image and for CI runners: docs/operate/checks-in-the-cluster.md.
# tests/unit/lab/build/tools-image.test.ts compares it with the image of the same content that the lab makes.
#
# Tags are defaults. Build with digests: --build-arg NODE_IMAGE=gcr.io/distroless/nodejs24-debian12@sha256:...
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG NODE_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot
ARG KUBECTL_IMAGE=registry.k8s.io/kubectl:v1.37.2
# Helm publishes no image of its own; this one holds its release.
ARG HELM_IMAGE=docker.io/alpine/helm:4.3.1

FROM ${KUBECTL_IMAGE} AS kubectl

FROM ${HELM_IMAGE} AS helm

# On the machine that builds, whatever it builds for: nothing in the package is compiled for a processor.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS package
WORKDIR /src
COPY . .
# The package as it is published, beside its dependencies of the lock file: what `npm install` makes, without its freedom.
RUN npm ci \
    && npm pack --silent --pack-destination=/tmp \
    && npm ci --omit=dev --ignore-scripts \
    && mkdir -p /app \
    && mv node_modules /app/node_modules \
    && mkdir /app/node_modules/istio-teleport \
    && tar -xzf /tmp/istio-teleport-*.tgz --strip-components=1 --no-same-owner -C /app/node_modules/istio-teleport

FROM ${NODE_IMAGE}
COPY --from=kubectl /bin/kubectl /usr/local/bin/kubectl
COPY --from=helm /usr/bin/helm /usr/local/bin/helm
COPY --from=package /app/node_modules /app/node_modules
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app
# By number: Kubernetes checks runAsNonRoot by it. Nothing is written but below /tmp, and any other user works as well.
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/node_modules/istio-teleport/bin/istio-teleport.js"]
