"""The program that turns one recording into MP3: it bounds itself, then becomes ffmpeg. Sound comes in and goes out.

ffmpeg is called as a program and never linked. Its licence is named in NOTICE.
"""

import os
import resource
import sys

MOST_MEMORY_BYTES = 1_000_000_000
MOST_CPU_S = 20
BYTES_A_SECOND = 6000
"""Of the sound that comes out: constant, so that its length tells how long it plays and a browser can seek in it."""


def main(decoder: str) -> None:
    """Become ffmpeg, reading one AMR recording with `decoder`. The standard channels carry the sound."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 -- after the limits are set

    program = get_ffmpeg_exe()
    os.execv(program, [program, *_arguments(decoder)])  # noqa: S606 -- no shell, and nothing in it is a stranger's


def _arguments(decoder: str) -> list[str]:
    read = ["-f", "amr", "-protocol_whitelist", "pipe", "-threads", "1", "-c:a", decoder, "-i", "pipe:0"]
    # Browsers do not all play MP3 of the 8 kHz that telephones record; 24 kHz they do.
    write = ["-map", "0:a:0", "-ac", "1", "-ar", "24000", "-c:a", "libmp3lame", "-b:a", f"{BYTES_A_SECOND * 8}"]
    bare = ["-map_metadata", "-1", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "pipe:1"]
    return ["-hide_banner", "-nostdin", "-nostats", "-v", "error", "-max_error_rate", "0.1", *read, *write, *bare]


if __name__ == "__main__":
    main(sys.argv[1])
