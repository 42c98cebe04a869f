import socket

from recenv import __version__
from recenv.report import collect_versions, describe_machine


def test_versions_name_what_is_installed():
    found = collect_versions()
    assert found["recenv"] == __version__
    assert {"Python", "numpy", "matplotlib"} <= set(found)


def test_the_machine_is_described_without_its_name():
    text = describe_machine()
    assert "CPU core" in text
    assert socket.gethostname() not in text
