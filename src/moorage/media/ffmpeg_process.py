"""The program that works on one sound or film: it bounds itself, then becomes ffmpeg.

ffmpeg is called as a program and never linked. Its licence is named in NOTICE.
"""

import os
import resource
import sys

MOST_MEMORY_BYTES = 2_000_000_000


def main(most_cpu_s: int, most_file_bytes: int, arguments: list[str]) -> None:
    """Become ffmpeg with `arguments`. It may write files of so many bytes, and reads nothing but what it is given."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (most_cpu_s, most_cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 -- after the limits are set

    program = get_ffmpeg_exe()
    os.execv(program, [program, "-hide_banner", "-nostdin", "-nostats", *arguments])  # noqa: S606 -- no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
