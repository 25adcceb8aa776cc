#!/bin/sh
# Builds and pushes an image without a Docker daemon. skaffold calls it with IMAGE, PUSH_IMAGE and BUILD_CONTEXT.
#   BUILDER      buildah, podman or docker; by default the first of them that is there
#   BUILD_FLAGS  more flags of `build`, PUSH_FLAGS more of `push` (--tls-verify=false for a registry without TLS)
#   DOCKERFILE   knative/Dockerfile
set -eu
find_builder() {
  for name in buildah podman docker; do
    if command -v "$name" >/dev/null 2>&1; then echo "$name"; return; fi
  done
  echo "No buildah, podman or docker here: install one of them, or name yours in BUILDER." >&2
  exit 1
}
builder=${BUILDER:-$(find_builder)}
# shellcheck disable=SC2086 # flags are words
"$builder" build ${BUILD_FLAGS:-} -f "${DOCKERFILE:-knative/Dockerfile}" -t "$IMAGE" "${BUILD_CONTEXT:-.}"
if [ "${PUSH_IMAGE:-true}" != false ]; then
  # shellcheck disable=SC2086
  "$builder" push ${PUSH_FLAGS:-} "$IMAGE"
fi
