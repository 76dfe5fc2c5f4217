import pytest
from tensorflow_serving.apis import predict_pb2
from tfx.utils import path_utils

from demandcast.components.infrastructure.warmup import read_warmup, write_warmup
from demandcast.schema.artifact_names import MAX_WARMUP_RECORDS, WARMUP_FILE

pytestmark = pytest.mark.slow


def requests(count):
    made = [predict_pb2.PredictRequest() for _ in range(count)]
    for number, request in enumerate(made):
        request.model_spec.signature_name = f"signature {number}"
    return made


def test_requests_are_read_back_in_their_order(tmp_path):
    write_warmup(str(tmp_path), requests(3))
    assert list(read_warmup(str(tmp_path))) == requests(3)


def test_the_file_is_where_servers_and_tfx_look():
    assert path_utils.warmup_file_path("model") == f"model/{WARMUP_FILE}"


def test_more_than_a_server_takes_is_an_error(tmp_path):
    write_warmup(str(tmp_path), requests(MAX_WARMUP_RECORDS))
    with pytest.raises(ValueError, match="1001 warm-up requests; at most 1000"):
        write_warmup(str(tmp_path), requests(MAX_WARMUP_RECORDS + 1))
