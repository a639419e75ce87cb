//! docker, buildx, podman, buildah.
