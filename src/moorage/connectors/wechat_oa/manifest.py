"""What an Official Account can do, as data. Every limit of WeChat's stands here, with its source."""

from collections.abc import Mapping
from datetime import timedelta

from moorage.connectors.manifest import (
    LINKED_FILES,
    BudgetRule,
    ChoicesLimits,
    CredentialField,
    Manifest,
    MediaLimits,
    MenuLimits,
    NewsLimits,
)

MOST_TEXT_BYTES = 2048
"""UTF-8 bytes of one text; above it WeChat answers 45002. Measured in the field, no current page states it."""

MOST_BODY_BYTES = 128 * 1024
"""Of one push. WeChat's largest notice, a mass sending's result, has a few kilobytes."""

SIGNED_WITHIN = timedelta(minutes=10)
"""How far a push's signed time may be from ours."""

MOST_IMAGE_BYTES = 2_000_000
"""Of a picture that is sent. The list of limits says 10 MB and a note on the same page 2 MB: the smaller one holds."""

MOST_VOICE_BYTES = 2_000_000
MOST_VOICE_S = 60.0
MOST_VIDEO_BYTES = 10_000_000
MOST_THUMB_BYTES = 64_000
"""Source of all four: docs, "Temporary media"."""

MEDIA_KEPT_FOR = timedelta(days=3)
"""From the customer's message, or from our upload. Source: docs, "Temporary media"."""

_MEGABYTE = 1_000_000
FETCHED_BYTES: Mapping[str, int] = {
    "image": 20 * _MEGABYTE,
    "voice": 5 * _MEGABYTE,
    "video": 50 * _MEGABYTE,
    "short_video": 50 * _MEGABYTE,
}
"""What we take of a customer's file at most. No page says how large one can be; these leave room."""

MOST_REMARK_CHARACTERS = 29
"""Source: docs, "Set remark name": fewer than 30."""

MODES = ("secure", "compatible", "plaintext")
"""How pushes arrive. Plaintext is accepted only where an admin has switched it on: nothing protects its body."""

_MINUTE = BudgetRule(most=3, lasts=timedelta(minutes=1), ends_early=timedelta(seconds=5))


def _rules(*, messages: int) -> Mapping[str, BudgetRule]:
    """Return the rules of one era of WeChat's. Source: docs, "Customer service messages: when sending is allowed"."""
    message = BudgetRule(most=messages, lasts=timedelta(hours=48), ends_early=timedelta(seconds=30))
    return {"message": message, "menu": _MINUTE, "scan": _MINUTE, "follow": _MINUTE}


MENU_LIMITS = MenuLimits(
    most_items=3,
    most_sub_items=5,
    most_name_bytes=16,
    most_sub_name_bytes=60,
    most_key_bytes=128,
    most_url_bytes=1024,
    shown_name_characters=4,
    shown_sub_name_characters=8,
    own_kinds=frozenset({"media_id", "view_limited", "article_id", "article_view_limited"}),
    platforms=("ios", "android", "other"),
    languages=("zh_CN", "zh_TW", "zh_HK", "en", "ja", "ko", "fr", "de", "es", "it", "pt", "ru", "th", "vi", "id", "ms"),
    app_id_pattern=r"wx[0-9a-f]{16}",
    seen_within_s=300,
)
"""Source: docs, "Custom menu: create" and "Conditional menus". Older pages say 40 and 256 bytes."""


CHOICES_LIMITS = ChoicesLimits(most_items=10, most_item_bytes=128, most_words_bytes=MOST_TEXT_BYTES)
"""Of a `msgmenu`. WeChat names only the errors, 45098 and 45099, and no limits: these are on the safe side. What is
refused all the same goes out as a numbered text."""

NEWS_LIMITS = NewsLimits(most_title_bytes=192, most_description_bytes=512, most_url_bytes=2048)
"""Of the one article of a card. Source: docs, "Customer service messages"; the lengths are what a phone shows whole."""

MANIFEST = Manifest(
    kind="wechat_oa",
    credential_fields=(
        CredentialField(name="appid", pattern=r"wx[0-9a-f]{16}", secret=False, example="wx7c1e5a90b2d4f683"),
        CredentialField(
            name="secret", pattern=r"[0-9a-fA-F]{32}", secret=True, example="0123456789abcdef0123456789abcdef"
        ),
        CredentialField(name="token", pattern=r"[A-Za-z0-9]{3,32}", secret=True, example="Kf7tokenXq2LmZ"),
        CredentialField(
            name="aes_key",
            pattern=r"[A-Za-z0-9]{43}",
            secret=True,
            example="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
        ),
    ),
    optional_credential_fields=(
        CredentialField(
            name="mode", pattern=r"secure|compatible|plaintext", secret=False, example="secure", default="secure"
        ),
        CredentialField(
            name="previous_aes_key",
            pattern=r"([A-Za-z0-9]{43})?",
            secret=True,
            example="Zx4Lk9QwE2rT7yU1iOpA6sD3fG8hJ5kB0nMvC2xZq7Y",
            default="",
        ),
        CredentialField(
            name="original_id", pattern=r"(gh_[0-9a-zA-Z]{1,32})?", secret=False, example="gh_5b8e21a7c4d9", default=""
        ),
    ),
    secrets_for_calls=frozenset({"secret"}),
    account_field="appid",
    push_path="/wechat/oa/{external_id}",
    max_text_bytes=MOST_TEXT_BYTES,
    sendable=frozenset({"text", "image", "voice", "video", "file", "choices", "news"}),
    sendable_media={
        "image": MediaLimits(
            most_bytes=MOST_IMAGE_BYTES, media_types=frozenset({"image/png", "image/jpeg", "image/gif"})
        ),
        "voice": MediaLimits(
            most_bytes=MOST_VOICE_BYTES, media_types=frozenset({"audio/mpeg", "audio/amr"}), most_s=MOST_VOICE_S
        ),
        "video": MediaLimits(
            most_bytes=MOST_VIDEO_BYTES, media_types=frozenset({"video/mp4"}), most_upload_bytes=50 * 1024 * 1024
        ),
        "file": LINKED_FILES,  # WeChat has no message for it
    },
    fetchable_media=FETCHED_BYTES,
    media_kept_for=MEDIA_KEPT_FOR,
    passive_reply=True,
    verifies_address=True,
    budget_presets={"guide": _rules(messages=20), "2023": _rules(messages=5)},
    default_preset="guide",
    sends_only_if_verified=True,
    tells_of_followers=True,
    choices=CHOICES_LIMITS,
    news=NEWS_LIMITS,
    menu=MENU_LIMITS,
    most_remark_characters=MOST_REMARK_CHARACTERS,
    recognises_visitors=True,
)
