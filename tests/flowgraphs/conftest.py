import pytest

from tests.flowgraphs.base_station_process import Peer


@pytest.fixture
def peer(tmp_path):
    made = Peer(tmp_path)
    yield made
    made.context.destroy(linger=0)
