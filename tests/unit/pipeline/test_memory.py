from pathlib import Path

from demandcast.pipeline import memory
from demandcast.pipeline.memory import peak_memory_bytes, reset_peak_memory


def test_the_peak_outlives_the_memory_until_it_is_reset():
    reset_peak_memory()
    before = peak_memory_bytes()
    block = bytearray(b"x" * 200_000_000)
    del block
    assert peak_memory_bytes() >= before + 200_000_000
    reset_peak_memory()
    assert peak_memory_bytes() < before + 100_000_000


def test_where_the_kernel_does_not_tell_the_answer_is_zero(monkeypatch):
    monkeypatch.setattr(memory, "_STATUS", Path("/nonexistent/status"))
    monkeypatch.setattr(memory, "_CLEAR", Path("/nonexistent/clear_refs"))
    reset_peak_memory()
    assert peak_memory_bytes() == 0
