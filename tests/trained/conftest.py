import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """Small networks gain nothing from several threads, which wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
