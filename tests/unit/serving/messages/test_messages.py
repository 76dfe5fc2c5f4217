"""Our messages are the published ones: field by field, and byte for byte."""

import importlib
import json
import pkgutil
import random
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor, text_format

from demandcast.serving import messages

FIELD = descriptor.FieldDescriptor

# What the newer wheels have and the installed one may lack.
NEWER = {
    "tensorflow.serving.BatchingParameters",
    "tensorflow.serving.LogMetadata.safe_aggregation_privacy_key",
    "tensorflow.serving.LoggingConfig.custom_logging_config",
    "tensorflow.serving.MonitoringConfig",
    "tensorflow.serving.PerTaskSamplingConfig",
    "tensorflow.serving.PlatformConfig",
    "tensorflow.serving.PlatformConfigMap",
    "tensorflow.serving.PredictRequest.RequestOptions",
    "tensorflow.serving.PredictRequest.RequestOptions.Handshake",
    "tensorflow.serving.PredictRequest.RequestOptions.handshake",
    "tensorflow.serving.PredictRequest.RequestOptions.max_cache_length",
    "tensorflow.serving.PredictRequest.RequestOptions.return_all_stoptokens",
    "tensorflow.serving.PredictRequest.request_options",
    "tensorflow.serving.PredictStreamedOptions.return_single_response",
    "tensorflow.serving.PrometheusConfig",
    "tensorflow.serving.SSLConfig",
    "tensorflow.serving.SamplingConfig.per_task_sampling_configs",
}
# Values of enums that only the newer wheels have.
NEWER_VALUES = {("tensorflow.serving.PredictStreamedOptions.RequestState", "CANCEL")}
# Carried without a look into them.
OPAQUE = {"tensorflow.TypeSpecProto", "tensorflow.RunOptions", "tensorflow.RunMetadata"}


def ours():
    """All our messages, those inside of others too, but for the entries of maps."""
    found = {}

    def walk(one):
        found[one.full_name] = one
        for inner in one.nested_types:
            if not inner.GetOptions().map_entry:
                walk(inner)

    for name in messages.__all__:
        if hasattr(getattr(messages, name), "DESCRIPTOR"):
            walk(getattr(messages, name).DESCRIPTOR)
    return found


OURS = ours()


def kind_of(field):
    """Everything about a field that the wire, the text format or an application sees."""
    other = field.message_type or field.enum_type
    return {
        "number": field.number,
        "type": field.type,
        "repeated": field.is_repeated if hasattr(field, "is_repeated") else field.label == 3,
        "of": other.full_name if other is not None else None,
        "map": bool(field.message_type and field.message_type.GetOptions().map_entry),
        "oneof": field.containing_oneof.name if field.containing_oneof else None,
        "presence": field.has_presence,
        "json": field.json_name if hasattr(field, "json_name") else None,
    }


@pytest.fixture(scope="module")
def stubs():
    """Classes of the published messages, by full name."""
    import tensorflow_serving
    from google.protobuf import message_factory
    from tensorflow.core.example import example_pb2
    from tensorflow.core.framework import tensor_pb2
    from tensorflow.core.protobuf import meta_graph_pb2

    # Whose import fails in the wheels of 2.16 to 2.19; services are compared by their calls.
    broken = {"model_service_pb2", "prediction_service_pb2", "session_service_pb2"}
    files = [example_pb2, tensor_pb2]
    for package in ("apis", "config"):
        folders = [str(Path(p) / package) for p in tensorflow_serving.__path__]
        for module in pkgutil.iter_modules(folders):
            if module.name.endswith("_pb2") and module.name not in broken:
                files.append(importlib.import_module(f"tensorflow_serving.{package}.{module.name}"))
    found = {}

    def walk(one):
        if one.full_name not in found and one.file.package.startswith("tensorflow"):
            found[one.full_name] = message_factory.GetMessageClass(one)
            for field in one.fields:
                if field.message_type is not None and one.full_name not in OPAQUE:
                    walk(field.message_type)
            for inner in one.nested_types:
                walk(inner)

    for file in files:
        for one in file.DESCRIPTOR.message_types_by_name.values():
            walk(one)
    walk(meta_graph_pb2.SignatureDef.DESCRIPTOR)
    return {
        name: made for name, made in found.items() if not made.DESCRIPTOR.GetOptions().map_entry
    }


@pytest.mark.slow
def test_all_published_messages_are_there(stubs):
    served = {name for name in stubs if name.startswith("tensorflow.serving.")}
    assert len(served) > 50
    assert served <= set(OURS)
    assert set(OURS) - set(stubs) <= NEWER


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(OURS) - OPAQUE))
def test_fields_are_the_published_ones(stubs, name):
    if name not in stubs:
        assert name in NEWER
        return
    fields = {field.name: kind_of(field) for field in OURS[name].fields}
    published = {field.name: kind_of(field) for field in stubs[name].DESCRIPTOR.fields}
    newer = {one for one in fields if f"{name}.{one}" in NEWER and one not in published}
    assert {one: kind for one, kind in fields.items() if one not in newer} == published
    oneofs = [one.name for one in stubs[name].DESCRIPTOR.oneofs]
    assert set(oneofs) <= {one.name for one in OURS[name].oneofs}
    for enum in stubs[name].DESCRIPTOR.enum_types:
        check_enum(enum)


def check_enum(published, *, subset=False):
    values = {
        v.name: v.number for v in messages.POOL.FindEnumTypeByName(published.full_name).values
    }
    theirs = {value.name: value.number for value in published.values}
    if subset:
        assert values.items() <= theirs.items()
    else:
        newer = {one for one in values if (published.full_name, one) in NEWER_VALUES}
        assert {k: v for k, v in values.items() if k in theirs or k not in newer} == theirs


@pytest.mark.slow
def test_enums_are_the_published_ones():
    from tensorflow.core.framework import types_pb2
    from tensorflow_serving.apis import status_pb2
    from tensorflow_serving.config import model_server_config_pb2

    check_enum(model_server_config_pb2.ModelType.DESCRIPTOR)
    check_enum(status_pb2.StatusProto.DESCRIPTOR.fields_by_name["error_code"].enum_type)
    # Each release knows some more types; and those of references are in no message.
    check_enum(types_pb2.DataType.DESCRIPTOR, subset=True)
    assert len(messages.DATA_TYPES) == 28
    assert messages.DATA_TYPES["DT_FLOAT"] == 1
    assert messages.ERROR_CODES["UNAVAILABLE"] == 14


NUMBERS = {
    FIELD.TYPE_INT32: [-1, 7, 2**31 - 1],
    FIELD.TYPE_INT64: [-1, 7, 2**63 - 1],
    FIELD.TYPE_UINT32: [7, 2**32 - 1],
    FIELD.TYPE_UINT64: [7, 2**64 - 1],
    FIELD.TYPE_DOUBLE: [0.1, -1e300, float("inf")],
    FIELD.TYPE_FLOAT: [0.1, -1e30, float("nan")],
    FIELD.TYPE_BOOL: [True, False],
    FIELD.TYPE_STRING: ["", "ä", "model"],
    FIELD.TYPE_BYTES: [b"", b"\x00\xff"],
}


def value_of(field, chance):
    if field.enum_type is not None:
        known = messages.POOL.FindEnumTypeByName(field.enum_type.full_name).values_by_number
        return chance.choice([v.number for v in field.enum_type.values if v.number in known])
    return chance.choice(NUMBERS[field.type])


def fill(message, like, chance, depth=0):
    """Fills fields by chance and by name; `like` says which: the descriptor of the stub."""
    if depth:
        message.SetInParent()
    for field in sorted(like.fields, key=lambda one: one.number):
        kind = field.message_type
        hidden = kind is not None and (depth > 4 or kind.full_name in OPAQUE)
        if hidden or chance.random() < 0.3:
            continue
        if kind is not None and kind.GetOptions().map_entry:
            fill_map(getattr(message, field.name), kind.fields_by_name["value"], chance, depth)
        elif kind_of(field)["repeated"]:
            fill_list(getattr(message, field.name), field, chance, depth)
        elif kind is not None:
            fill(getattr(message, field.name), kind, chance, depth + 1)
        else:
            setattr(message, field.name, value_of(field, chance))


def fill_map(entries, value, chance, depth):
    for key in ("a", "ü"):
        if value.message_type is None:
            entries[key] = value_of(value, chance)
        else:
            fill(entries[key], value.message_type, chance, depth + 1)


def fill_list(values, field, chance, depth):
    for _ in range(2):
        if field.message_type is None:
            values.append(value_of(field, chance))
        else:
            fill(values.add(), field.message_type, chance, depth + 1)


def seeded(seed):
    return random.Random(seed)  # noqa: S311 - no secret


def bytes_of(message):
    return message.SerializeToString(deterministic=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(OURS) - OPAQUE))
def test_messages_are_equal_byte_for_byte(stubs, name):
    if name not in stubs:
        return  # test_files_of_the_server pins those that no stub can be compared with.
    from google.protobuf import message_factory

    made = message_factory.GetMessageClass(OURS[name])
    for seed in range(5):
        ours, theirs = made(), stubs[name]()
        fill(ours, theirs.DESCRIPTOR, seeded(seed))
        fill(theirs, theirs.DESCRIPTOR, seeded(seed))
        content = bytes_of(theirs)
        assert bytes_of(ours) == content
        assert bytes_of(made.FromString(content)) == content
        assert bytes_of(stubs[name].FromString(bytes_of(ours))) == content
        assert text_format.MessageToString(ours, descriptor_pool=messages.POOL) == (
            text_format.MessageToString(theirs)
        )


@pytest.mark.slow
def test_the_filling_reaches_deep(stubs):
    log = messages.PredictionLog()
    fill(log, stubs["tensorflow.serving.PredictionLog"].DESCRIPTOR, seeded(1))
    assert len(bytes_of(log)) > 200


def test_what_is_not_looked_into_is_kept():
    # Field 1, varint 3, inside of `metadata`, field 2.
    content = b"\x12\x02\x08\x03"
    read = messages.SessionRunResponse.FromString(content)
    assert read.HasField("metadata")
    assert read.SerializeToString() == content


@pytest.mark.slow
def test_services_are_the_published_ones():
    from tensorflow_serving.apis import (
        model_service_pb2_grpc,
        prediction_service_pb2_grpc,
    )

    class Channel:
        """Writes down what a stub asks for."""

        def __init__(self):
            self.answers = {}

        def unary_unary(self, path, request_serializer, response_deserializer, **_):
            self.answers[path] = response_deserializer(b"").DESCRIPTOR.full_name

    requests = {
        "Classify": "ClassificationRequest",
        "GetModelMetadata": "GetModelMetadataRequest",
        "GetModelStatus": "GetModelStatusRequest",
        "HandleReloadConfigRequest": "ReloadConfigRequest",
        "MultiInference": "MultiInferenceRequest",
        "Predict": "PredictRequest",
        "Regress": "RegressionRequest",
    }
    for stub, service in (
        (prediction_service_pb2_grpc.PredictionServiceStub, messages.PREDICTION_SERVICE),
        (model_service_pb2_grpc.ModelServiceStub, messages.MODEL_SERVICE),
    ):
        channel = Channel()
        stub(channel)
        assert channel.answers == {
            call.path: call.response.DESCRIPTOR.full_name for call in service.values()
        }
        for name, call in service.items():
            assert call.request.DESCRIPTOR.name == requests[name]


@pytest.mark.slow
def test_any_crosses_over(stubs):
    signatures = messages.SignatureDefMap()
    signatures.signature_def["serving_default"].inputs["x"].dtype = messages.DATA_TYPES["DT_FLOAT"]
    ours = messages.GetModelMetadataResponse()
    ours.metadata["signature_def"].Pack(signatures)
    theirs = stubs["tensorflow.serving.GetModelMetadataResponse"].FromString(bytes_of(ours))
    packed = theirs.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    unpacked = stubs["tensorflow.serving.SignatureDefMap"]()
    assert packed.Unpack(unpacked)
    assert bytes_of(unpacked) == bytes_of(signatures)


@pytest.mark.parametrize(
    ("name", "text", "content"),
    [
        (
            "MonitoringConfig",
            'prometheus_config { enable: true path: "/m" }',
            b"\x0a\x06" + b"\x08\x01" + b"\x12\x02/m",
        ),
        (
            "SSLConfig",
            'server_key: "k" server_cert: "c" custom_ca: "a" client_verify: true',
            b"\x0a\x01k" + b"\x12\x01c" + b"\x1a\x01a" + b"\x20\x01",
        ),
        (
            "BatchingParameters",
            "max_batch_size { value: 64 } batch_timeout_micros { value: 0 } "
            "max_enqueued_batches { value: 8 } num_batch_threads { value: 2 } "
            'thread_pool_name { value: "p" } allowed_batch_sizes: [1, 64] '
            "pad_variable_length_inputs: true enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 32 }",
            b"\x0a\x02\x08\x40" + b"\x12\x00" + b"\x1a\x02\x08\x08" + b"\x22\x02\x08\x02"
            b"\x2a\x03\x0a\x01p" + b"\x32\x02\x01\x40" + b"\x38\x01" + b"\x42\x02\x08\x01"
            b"\x4a\x02\x08\x20",
        ),
        (
            "PlatformConfigMap",
            'platform_configs { key: "tensorflow" value { source_adapter_config {} } }',
            b"\x0a\x10" + b"\x0a\x0atensorflow" + b"\x12\x02\x0a\x00",
        ),
    ],
)
def test_files_of_the_server(name, text, content):
    """By the numbers of TensorFlow Serving's sources: most wheels have none of these."""
    message = text_format.Parse(text, getattr(messages, name)())
    assert bytes_of(message) == content


def test_the_file_of_models():
    config = text_format.Parse(
        """
        model_config_list {
          config {
            name: "demand"
            base_path: "/models/demand"
            model_platform: "tensorflow"
            model_version_policy { specific { versions: 3 versions: 4 } }
            version_labels { key: "stable" value: 3 }
            version_labels { key: "canary" value: 4 }
          }
        }
        """,
        messages.ModelServerConfig(),
    )
    (model,) = config.model_config_list.config
    assert model.model_version_policy.WhichOneof("policy_choice") == "specific"
    assert dict(model.version_labels) == {"stable": 3, "canary": 4}
    policy = messages.FileSystemStoragePathSourceConfig.ServableVersionPolicy
    assert policy(latest={"num_versions": 2}).latest.num_versions == 2
    with pytest.raises(text_format.ParseError, match="no field named"):
        text_format.Parse("model_list {}", messages.ModelServerConfig())


def test_an_any_is_written_out():
    packed = messages.GetModelMetadataResponse()
    packed.metadata["signature_def"].Pack(messages.SignatureDefMap())
    text = text_format.MessageToString(packed, descriptor_pool=messages.POOL)
    assert "[type.googleapis.com/tensorflow.serving.SignatureDefMap]" in text


def test_importing_the_messages_is_light():
    code = (
        "import json, sys; import demandcast.serving.messages; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"tensorflow", "tensorflow_serving", "numpy", "grpc", "pandas", "pyarrow"}
