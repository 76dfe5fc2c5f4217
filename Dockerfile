# The image of every stage on Kubeflow Pipelines, and of `demandcast` itself.
#
#   docker build --target cpu .            stages
#   docker build --target gpu .            stages that train on a GPU (kubeflow.gpu_image)
#   docker build --target beam-worker .    workers of Dataflow, Flink and Spark
#
# `make test-image` runs these steps without Docker, and a pipeline inside of what they make
# (docs/kubeflow.md). Give BASE by digest where builds must be repeatable.
ARG BASE=python:3.11-slim-trixie
ARG BEAM_SDK=apache/beam_python3.11_sdk:2.77.0

# Compilers and the cache of packages stay in these stages.
FROM ${BASE} AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends g++
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir "uv==0.13.8"
ENV PATH=/opt/uv/bin:$PATH UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=/opt/demandcast
WORKDIR /src
COPY requirements/image.txt requirements/
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --python /usr/local/bin/python3 /opt/demandcast \
 && uv pip sync --cache-dir /var/cache/uv --require-hashes requirements/image.txt
COPY setup.py pyproject.toml README.md LICENSE ./
COPY components components/
COPY pipeline pipeline/
COPY schema schema/
COPY serving serving/
RUN uv build --wheel --no-build-isolation --python /opt/demandcast/bin/python --out-dir /dist

FROM build AS build-cpu
RUN uv pip install --no-deps --no-cache /dist/*.whl && rm -f /opt/demandcast/.lock

FROM build AS build-gpu
COPY requirements/image-gpu.txt requirements/
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip sync --cache-dir /var/cache/uv --require-hashes requirements/image-gpu.txt \
 && uv pip install --no-deps --no-cache /dist/*.whl && rm -f /opt/demandcast/.lock

FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title=demandcast org.opencontainers.image.licenses=Apache-2.0
RUN groupadd --gid 10001 demandcast \
 && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin demandcast
ENV PATH=/opt/demandcast/bin:$PATH PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 TF_CPP_MIN_LOG_LEVEL=1
WORKDIR /home/demandcast
# By number: Kubernetes cannot tell from a name that it is not root.
USER 10001:10001
ENTRYPOINT ["demandcast"]

FROM runtime AS gpu
# Where nodes of GKE, and NVIDIA's container runtime, put the driver.
ENV LD_LIBRARY_PATH=/usr/local/nvidia/lib64 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-gpu /opt/demandcast /opt/demandcast

FROM ${BEAM_SDK} AS beam-sdk

FROM runtime AS beam-worker
# Its harness would make an environment of its own, without our packages.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
COPY --from=build-cpu /opt/demandcast /opt/demandcast
COPY --from=beam-sdk /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM runtime AS cpu
COPY --from=build-cpu /opt/demandcast /opt/demandcast
