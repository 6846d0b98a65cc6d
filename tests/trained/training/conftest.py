import pytest

from tests.trained.small import console, settings
from tests.trained.training.runs import LONGER, trained


@pytest.fixture(scope="package", autouse=True)
def quickly_watched():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("trained.training.watch._BLOCKS", 30)
        yield


@pytest.fixture(scope="package")
def unbroken(one_thread, quickly_watched, tmp_path_factory):
    folder, screen = tmp_path_factory.mktemp("unbroken"), console()
    trained(folder, settings(**LONGER), screen)
    return folder, screen.file.getvalue()
