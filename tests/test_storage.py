"""A record says which format it is in; one that doesn't, or is newer, is refused with the remedy."""

import json
from pathlib import Path

import numpy as np
import pytest

from recenv.storage import check_version, read_record, write_record


@pytest.mark.parametrize("found", [None, "1", 1.0, 0, -1, True, False, [1]])
def test_what_is_no_version_is_refused(found):
    with pytest.raises(ValueError, match=r"x\.json does not say its format version"):
        check_version(found, 3, Path("x.json"))


@pytest.mark.parametrize("found", [1, 2, 3])
def test_versions_up_to_the_supported_one_are_read(found):
    check_version(found, 3, Path("x.json"))


def test_a_newer_version_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"format 4, and recenv .* up to format 3: .* upgrade with"):
        check_version(4, 3, Path("x.json"))


@pytest.mark.parametrize("version", [0, True])
def test_a_folder_without_a_version_is_refused_when_it_is_read(tmp_path, version):
    write_record(tmp_path / "kept", "thing", version=1, meta={}, arrays={"x": np.arange(3)})
    header = tmp_path / "kept" / "thing.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "format_version": version}))
    with pytest.raises(ValueError, match="does not say its format version"):
        read_record(tmp_path / "kept", "thing", version=1)
