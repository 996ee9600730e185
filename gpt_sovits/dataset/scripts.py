"""The passages that a person reads aloud when they make a voice: about a minute each, rich in sounds.

Both were written for this project. The English one holds all 39 ARPAbet phones; the Chinese one holds all 21 initials,
all finals but the rarest (ueng) and the five tones. Ends of sentences vary
(statement, question, exclamation, list), because the model learns a person's melody from them.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpt_sovits.errors import MissingError


@dataclass(frozen=True)
class Script:
    """One passage: ``id`` is stable, ``language`` "zh" or "en", ``text`` what is read."""

    id: str
    language: str
    title: str
    text: str


ENGLISH = Script(
    id="en-kitchen",
    language="en",
    title="A quiet morning",
    text=(
        "Good morning! The kettle is on, the window is open, and a thin yellow light falls across the kitchen table. "
        "Outside, two boys push a blue bicycle up the hill, laughing at their own shadows. "
        "I usually read the paper first, though today I would rather watch the weather change: "
        "clouds over the church, a bit of thunder far away, then sunshine again. "
        "My neighbor George is choosing vegetables and fresh fish for a very large soup. "
        "Would you join us at eight? he asks. Bring your old guitar, and that funny story about the zoo. "
        "I never refuse such an invitation. We cook, we sing, we argue about music, "
        "and somebody always burns the bread. It isn't perfect, but it's ours. "
        "Later, when the house grows quiet, I make a cup of tea, put my feet up, and think: "
        "what a pleasure it is to hear a voice that you know."
    ),
)

CHINESE = Script(
    id="zh-morning",
    language="zh",
    title="清晨的声音",
    text=(
        "清晨六点，天刚蒙蒙亮，窗外的鸟儿已经开始唱歌了。我推开门，闻到一股淡淡的桂花香。"
        "楼下的王奶奶正在院子里浇花，她养的小猫趴在墙头晒太阳，懒得动一动。"
        "早啊，吃饭了吗？她笑着问我。我说，还没有，正想去买两根油条，再喝一碗热乎乎的豆浆。"
        "路口的早餐店人来人往，老板一边擦桌子，一边跟熟客聊昨晚的球赛。"
        "雨后的空气很新鲜，远处的群山像一幅水墨画，云雾在山腰间慢慢穿行。"
        "我忽然想起小时候，外婆常常用粗糙的手牵着我，从这条窄窄的小路走到学校。"
        "她总说，日子要一天一天地过，话要一句一句地说，别着急。"
        "如今我去过很多地方，却最怀念那段平凡而快乐的岁月。你呢？有没有一个声音，让你一听见就觉得温暖？"
    ),
)

_SCRIPTS = (CHINESE, ENGLISH)


def scripts() -> list[Script]:
    """The guided passages, Chinese and English."""
    return list(_SCRIPTS)


def script(script_id: str) -> Script:
    """The passage of this id. Raises ``MissingError``."""
    for candidate in _SCRIPTS:
        if candidate.id == script_id:
            return candidate
    known = ", ".join(s.id for s in _SCRIPTS)
    raise MissingError(f"There is no passage named {script_id!r}.", f"Please choose one of: {known}.")
