"""TensorFlow Serving's messages and services, without TensorFlow.

The published stubs import TensorFlow: seconds, and half a gigabyte. These are the same messages,
with the same full names, read from the `.proto` files in this folder; a test compares them with
the stubs, field by field and byte for byte. They live in a pool of their own, so that both can
be loaded in one process. A message of ours and one of the stubs are different Python types:
what crosses over is bytes (`SerializeToString`, `FromString`).

The classes are made when this is imported, which takes some milliseconds, and are all `Any` to a
type checker. `text_format` reads and writes them; give it `descriptor_pool=POOL` where an `Any`
is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

from demandcast.serving.messages.parsing import kinds_of, parse_proto

__all__ = [
    "DATA_TYPES",
    "ERROR_CODES",
    "MODEL_SERVICE",
    "PREDICTION_SERVICE",
    "PROTO_FILES",
    "POOL",
    "SESSION_SERVICE",
    "Method",
    "BatchingParameters",
    "BytesList",
    "Class",
    "ClassificationRequest",
    "ClassificationResponse",
    "ClassificationResult",
    "Classifications",
    "ClassifyLog",
    "Example",
    "ExampleList",
    "ExampleListWithContext",
    "Feature",
    "Features",
    "FileSystemStoragePathSourceConfig",
    "FloatList",
    "GetModelMetadataRequest",
    "GetModelMetadataResponse",
    "GetModelStatusRequest",
    "GetModelStatusResponse",
    "InferenceResult",
    "InferenceTask",
    "Input",
    "Int64List",
    "LogCollectorConfig",
    "LogMetadata",
    "LoggingConfig",
    "Metric",
    "ModelConfig",
    "ModelConfigList",
    "ModelServerConfig",
    "ModelSpec",
    "ModelVersionStatus",
    "MonitoringConfig",
    "MultiInferenceLog",
    "MultiInferenceRequest",
    "MultiInferenceResponse",
    "NamedTensorProto",
    "PerTaskSamplingConfig",
    "PlatformConfig",
    "PlatformConfigMap",
    "PredictLog",
    "PredictRequest",
    "PredictResponse",
    "PredictStreamedLog",
    "PredictStreamedOptions",
    "PredictionLog",
    "PrometheusConfig",
    "RegressLog",
    "Regression",
    "RegressionRequest",
    "RegressionResponse",
    "RegressionResult",
    "ReloadConfigRequest",
    "ReloadConfigResponse",
    "SSLConfig",
    "SamplingConfig",
    "SessionRunLog",
    "SessionRunRequest",
    "SessionRunResponse",
    "SignatureDef",
    "SignatureDefMap",
    "StatusProto",
    "TensorInfo",
    "TensorProto",
    "TensorShapeProto",
]

PROTO_FILES = ("tensorflow_error.proto", "tensorflow.proto", "tensorflow_serving.proto")
"""The files of this folder, each after those that it imports; `protoc` and `grpcurl` read them."""


@dataclass(frozen=True)
class Method:
    """A call of a service.

    Attributes:
        path: As gRPC writes it: ``/package.Service/Method``.
        request: Class of what is sent.
        response: Class of what is answered.
    """

    path: str
    request: Any
    response: Any


def _read_pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    known: dict[str, Any] = {}
    for module in (any_pb2, wrappers_pb2):
        content = module.DESCRIPTOR.serialized_pb
        pool.AddSerializedFile(content)
        known |= kinds_of(descriptor_pb2.FileDescriptorProto.FromString(content))
    for name in PROTO_FILES:
        text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
        file = parse_proto(name, text, known)
        pool.AddSerializedFile(file.SerializeToString())
        known |= kinds_of(file)
    return pool


POOL = _read_pool()
"""Where the descriptors of all of this live."""


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))


def _enum(name: str) -> Mapping[str, int]:
    values = POOL.FindEnumTypeByName(name).values
    return MappingProxyType({value.name: value.number for value in values})


def _service(name: str) -> Mapping[str, Method]:
    methods = POOL.FindServiceByName(name).methods
    return MappingProxyType(
        {
            method.name: Method(
                path=f"/{name}/{method.name}",
                request=message_factory.GetMessageClass(method.input_type),
                response=message_factory.GetMessageClass(method.output_type),
            )
            for method in methods
        }
    )


DATA_TYPES = _enum("tensorflow.DataType")
"""Numbers of TensorFlow's types, by name."""
ERROR_CODES = _enum("tensorflow.error.Code")
"""Numbers of the codes in a `StatusProto`, by name: those of gRPC."""

PREDICTION_SERVICE = _service("tensorflow.serving.PredictionService")
MODEL_SERVICE = _service("tensorflow.serving.ModelService")
SESSION_SERVICE = _service("tensorflow.serving.SessionService")
"""The calls of each service, by name."""

BytesList = _message("tensorflow.BytesList")
Example = _message("tensorflow.Example")
Feature = _message("tensorflow.Feature")
Features = _message("tensorflow.Features")
FloatList = _message("tensorflow.FloatList")
Int64List = _message("tensorflow.Int64List")
NamedTensorProto = _message("tensorflow.NamedTensorProto")
SignatureDef = _message("tensorflow.SignatureDef")
TensorInfo = _message("tensorflow.TensorInfo")
TensorProto = _message("tensorflow.TensorProto")
TensorShapeProto = _message("tensorflow.TensorShapeProto")

BatchingParameters = _message("tensorflow.serving.BatchingParameters")
Class = _message("tensorflow.serving.Class")
ClassificationRequest = _message("tensorflow.serving.ClassificationRequest")
ClassificationResponse = _message("tensorflow.serving.ClassificationResponse")
ClassificationResult = _message("tensorflow.serving.ClassificationResult")
Classifications = _message("tensorflow.serving.Classifications")
ClassifyLog = _message("tensorflow.serving.ClassifyLog")
ExampleList = _message("tensorflow.serving.ExampleList")
ExampleListWithContext = _message("tensorflow.serving.ExampleListWithContext")
FileSystemStoragePathSourceConfig = _message("tensorflow.serving.FileSystemStoragePathSourceConfig")
GetModelMetadataRequest = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _message("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _message("tensorflow.serving.GetModelStatusResponse")
InferenceResult = _message("tensorflow.serving.InferenceResult")
InferenceTask = _message("tensorflow.serving.InferenceTask")
Input = _message("tensorflow.serving.Input")
LogCollectorConfig = _message("tensorflow.serving.LogCollectorConfig")
LogMetadata = _message("tensorflow.serving.LogMetadata")
LoggingConfig = _message("tensorflow.serving.LoggingConfig")
Metric = _message("tensorflow.serving.Metric")
ModelConfig = _message("tensorflow.serving.ModelConfig")
ModelConfigList = _message("tensorflow.serving.ModelConfigList")
ModelServerConfig = _message("tensorflow.serving.ModelServerConfig")
ModelSpec = _message("tensorflow.serving.ModelSpec")
ModelVersionStatus = _message("tensorflow.serving.ModelVersionStatus")
MonitoringConfig = _message("tensorflow.serving.MonitoringConfig")
MultiInferenceLog = _message("tensorflow.serving.MultiInferenceLog")
MultiInferenceRequest = _message("tensorflow.serving.MultiInferenceRequest")
MultiInferenceResponse = _message("tensorflow.serving.MultiInferenceResponse")
PerTaskSamplingConfig = _message("tensorflow.serving.PerTaskSamplingConfig")
PlatformConfig = _message("tensorflow.serving.PlatformConfig")
PlatformConfigMap = _message("tensorflow.serving.PlatformConfigMap")
PredictLog = _message("tensorflow.serving.PredictLog")
PredictRequest = _message("tensorflow.serving.PredictRequest")
PredictResponse = _message("tensorflow.serving.PredictResponse")
PredictStreamedLog = _message("tensorflow.serving.PredictStreamedLog")
PredictStreamedOptions = _message("tensorflow.serving.PredictStreamedOptions")
PredictionLog = _message("tensorflow.serving.PredictionLog")
PrometheusConfig = _message("tensorflow.serving.PrometheusConfig")
RegressLog = _message("tensorflow.serving.RegressLog")
Regression = _message("tensorflow.serving.Regression")
RegressionRequest = _message("tensorflow.serving.RegressionRequest")
RegressionResponse = _message("tensorflow.serving.RegressionResponse")
RegressionResult = _message("tensorflow.serving.RegressionResult")
ReloadConfigRequest = _message("tensorflow.serving.ReloadConfigRequest")
ReloadConfigResponse = _message("tensorflow.serving.ReloadConfigResponse")
SSLConfig = _message("tensorflow.serving.SSLConfig")
SamplingConfig = _message("tensorflow.serving.SamplingConfig")
SessionRunLog = _message("tensorflow.serving.SessionRunLog")
SessionRunRequest = _message("tensorflow.serving.SessionRunRequest")
SessionRunResponse = _message("tensorflow.serving.SessionRunResponse")
SignatureDefMap = _message("tensorflow.serving.SignatureDefMap")
StatusProto = _message("tensorflow.serving.StatusProto")
