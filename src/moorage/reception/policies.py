"""From what a channel's admins have set to what the engine goes by."""

from datetime import timedelta

from moorage.channels.agent_words import word_for
from moorage.channels.model import AnswerKind, ChannelSettings
from moorage.core.ids import GroupId
from moorage.reception.model import GreetingMode, Mode, Policy
from moorage.reception.texts import ASK_TO_WRITE, GREETINGS, GUIDANCE, VOICE_UNRECOGNIZED


def resolve_policy(*, settings: ChannelSettings, default_group_id: GroupId, mute: bool) -> Policy:
    """Return the policy of every thread of a channel with these settings, in a workspace with this default group.

    `mute` tells whether the channel cannot send at present.
    """
    greeting = settings.greeting
    return Policy(
        mode=Mode.AGENT_ONLY,
        greeting_mode=GreetingMode(greeting.mode),
        greeting=greeting.text if greeting.text is not None else GREETINGS[settings.locale],
        default_group_id=default_group_id,
        last_served_for=timedelta(hours=settings.last_served_hours),
        mute=mute,
        agent_words=settings.trans_to_agent.words,
        menu_guidance=_guidance(settings, under="menu"),
        follow_guidance=_guidance(settings, under="follow"),
        voice_reply=_voice_reply(settings),
        ask_to_write=ASK_TO_WRITE[settings.locale],
        designated_for=timedelta(hours=settings.after_session_hours),
    )


def _guidance(settings: ChannelSettings, *, under: AnswerKind) -> str:
    """Return the line that stands under answers of a kind; empty where none does."""
    chosen = settings.trans_to_agent
    if not chosen.guidance or under not in chosen.guidance_under:
        return ""
    if chosen.guidance_text is not None:
        return chosen.guidance_text
    word = word_for(settings.locale, chosen.words)
    return "" if word is None else GUIDANCE[settings.locale].format(word=word)


def _voice_reply(settings: ChannelSettings) -> str:
    """Return what is said to a voice without its text while no person has the conversation; empty: nothing."""
    chosen = settings.voice_reply
    if not chosen.on:
        return ""
    return VOICE_UNRECOGNIZED[settings.locale] if chosen.text is None else chosen.text
