"""The shared vectors and samples of WeChat's wire format, as the tests use them."""

import json
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "wechat"
SAMPLES = DATA / "samples"


@dataclass(frozen=True, slots=True)
class Vector:
    """One sealed message, what a strict receiver makes of it, and how it came to be."""

    name: str
    direction: str
    token: str
    encoding_aes_key: str
    appid: str
    timestamp: str
    nonce: str
    signature: str
    msg_signature: str
    encrypt: str
    http_body: str
    plaintext: str | None
    expect: str
    random16: str | None


def vectors() -> list[Vector]:
    """Return every sealed message of the shared file."""
    names = Vector.__slots__
    rows = json.loads((DATA / "crypto-vectors.json").read_text("utf-8"))["vectors"]
    made = [{**row, "random16": (row["intermediate"] or {}).get("random16")} for row in rows]
    return [Vector(**{name: row[name] for name in names}) for row in made]


def section(name: str) -> list[dict[str, str]]:
    """Return a plain section of the shared file."""
    whole = json.loads((DATA / "crypto-vectors.json").read_text("utf-8"))
    part = whole[name]
    return part["examples"] if isinstance(part, dict) else part


def sample(name: str) -> bytes:
    """Return the bytes of one sample file."""
    return (SAMPLES / f"{name}.xml").read_bytes()


def sample_names(*prefixes: str) -> list[str]:
    """Return the names of the sample files that begin with one of `prefixes`."""
    return sorted(path.stem for path in SAMPLES.glob("*.xml") if path.stem.startswith(prefixes))
