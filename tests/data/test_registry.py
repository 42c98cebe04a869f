import re

import pytest

from recenv.data import DATA_SETS, data_set
from recenv.data.loading import LOADERS


def test_every_entry_is_complete():
    names = [entry.name for entry in DATA_SETS]
    assert names == ["ml-100k", "ml-1m", "obd", "coat", "jester", "ml-latest-small"]
    for entry in DATA_SETS:
        assert entry.terms
        assert entry.citation
        assert any(member.required for member in entry.members)
        digests = [member.sha256 for member in entry.members] + ([entry.source.sha256] if entry.source else [])
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
        assert len(set(digests)) == len(digests)
        targets = [member.target for member in entry.members]
        assert len(set(targets)) == len(targets)
        assert all(member.size > 0 and not member.target.startswith(("/", "..")) for member in entry.members)


def test_every_ratings_set_has_a_loader():
    assert set(LOADERS) == {entry.name for entry in DATA_SETS} - {"obd"}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'ml-100' is not a known data set; known are ml-100k, .*nearest: 'ml-100k'"):
        data_set("ml-100")
