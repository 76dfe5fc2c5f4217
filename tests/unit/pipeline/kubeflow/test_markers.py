from dataclasses import dataclass

from demandcast.pipeline.kubeflow.markers import remove_markers


@dataclass
class Blob:
    name: str
    size: int
    gone: bool = False

    def delete(self):
        self.gone = True


class Client:
    def __init__(self, blobs):
        self.blobs = blobs
        self.asked = []

    def list_blobs(self, bucket, prefix):
        self.asked.append((bucket, prefix))
        return [blob for blob in self.blobs if blob.name.startswith(prefix)]


def test_b7_empty_objects_that_stand_for_folders_go_and_no_others():
    blobs = [
        *(Blob("run/model/", 0), Blob("run/model/variables/", 0)),
        *(Blob("run/model/saved_model.pb", 9), Blob("run/model/empty", 0)),
        *(Blob("run/model/odd/", 3), Blob("run/model_run/", 0)),
    ]
    client = Client(blobs)
    assert remove_markers(["gs://bucket/run/model"], client=client) == 2
    assert [blob.name for blob in blobs if blob.gone] == ["run/model/", "run/model/variables/"]
    assert client.asked == [("bucket", "run/model/")]
