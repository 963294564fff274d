"""The program that looks at one picture: told what to do in a line of JSON, then given the picture; answers alike.

It bounds itself before it reads anything, so that a picture made to exhaust a machine ends this process and no more.
"""

import json
import resource
import sys
from typing import cast

MOST_MEMORY_BYTES = 1_600_000_000
MOST_CPU_S = 20


def main() -> None:
    """Answer one request on the standard channels."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = cast("dict[str, object]", json.loads(sys.stdin.buffer.readline()))
    answer, content = _answer(asked, sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)


def _answer(asked: dict[str, object], content: bytes) -> tuple[dict[str, object], bytes]:
    from moorage.media.picture_work import Unusable, look_at, prepare  # noqa: PLC0415 -- after the limits are set

    try:
        if asked["do"] == "look":
            seen = look_at(content)
        else:
            types = cast("list[str]", asked["media_types"])
            seen = prepare(content, most_bytes=int(str(asked["most_bytes"])), media_types=types)
    except Unusable as unusable:
        return {"reason": unusable.reason}, b""
    except MemoryError:
        return {"reason": "too_many_pixels"}, b""
    told: dict[str, object] = {"media_type": seen.media_type, "width": seen.width, "height": seen.height}
    return told, seen.content or b""


if __name__ == "__main__":
    main()
