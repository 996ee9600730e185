"""The passages that a person reads aloud when they make a voice: about a minute each, rich in sounds.

All were written for this project. ``ENGLISH`` holds all 39 ARPAbet phones, ``CHINESE`` all 21 initials, all finals but
the rarest (ueng) and the five tones; the others are for who would rather read of something else, or reads on. Ends of
sentences vary (statement, question, exclamation, list), because the model learns a person's melody from them.
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

STATION = Script(
    id="en-station",
    language="en",
    title="The night train",
    text=(
        "The last train leaves at twenty past nine, and nobody on the platform seems to be in a hurry. "
        "A woman in a yellow raincoat is peeling an orange. Two brothers are sharing a pair of headphones. "
        "Is this seat free? somebody asks, though there are plenty of empty ones. "
        "I nod, move my bag, and we both pretend to look out of the window. "
        "The fields go by, then a river, then the long black shape of the bridge. "
        "How strange it is that you can cross a whole country while you sleep! "
        "My neighbor opens a lunch box and offers me half of a cheese sandwich. "
        "She has been visiting her daughter, who teaches music in a village school near the coast. "
        "Fourteen children, three violins, and one very patient dog, she says, and laughs. "
        "We talk about shoes, about weather, about the usual things. "
        "Then the lights are turned low, and her voice is the last thing that I hear."
    ),
)

GARDEN = Script(
    id="en-garden",
    language="en",
    title="What the garden needs",
    text=(
        "If you want a garden, begin with the earth and not with the flowers. "
        "Take some in your hand, press it, and see whether it falls apart. "
        "Good soil is dark, smells of rain, and is full of small creatures. "
        "Next, watch where the sun goes: which corner is warm in the morning, which one stays in the shade? "
        "Beans and tomatoes like heat; lettuce, spinach and most herbs would rather have a cool place. "
        "Should you water every day? Usually not. Once or twice a week, slowly and early, is much better. "
        "My grandfather never owned a watering can with a proper spout. "
        "He used an old jug, talked to each plant by name, and was always right about the frost. "
        "Don't be angry with the snails, he told me, they were here before us. "
        "And leave one bed for no purpose at all, just to find out what grows there. "
        "That is where the most beautiful things will appear."
    ),
)

TRAIN = Script(
    id="zh-train",
    language="zh",
    title="夜行的火车",
    text=(
        "晚上九点二十分，最后一班火车慢慢开出了车站。站台上没有人着急，一位穿黄雨衣的阿姨正在剥橘子。"
        "请问这里有人坐吗？她走过来问我。没有，您请坐。我把书包挪到了旁边。"
        "窗外先是田野，接着是一条宽宽的河，然后是大桥黑黑的影子。"
        "真奇怪，人睡一觉的工夫，就能穿过半个国家！"
        "她打开饭盒，分给我两块热乎乎的葱油饼。她说，女儿在海边的小学里教音乐，全校一共十四个孩子，三把小提琴，还有一条特别有耐心的狗。"
        "我们聊鞋子，聊天气，聊各自的家乡。她的普通话带着一点儿南方口音，听起来软软的。"
        "你第一次出远门吗？她问。我点点头，说去学修琴。"
        "后来车厢里的灯暗了，轮子的声音一下一下，像外面的雨。那天晚上我睡得很香，醒来的时候，天已经亮了。"
    ),
)

SOUP = Script(
    id="zh-soup",
    language="zh",
    title="一锅好汤",
    text=(
        "想煮一锅好汤，先别急着开火，选材料才是最要紧的。"
        "排骨要新鲜，萝卜要沉手，姜拍碎，葱切段，红枣和枸杞最后再放。"
        "水要一次加够，中间千万不要添凉水。你问为什么？因为一冷一热，肉就紧了，味道也出不来。"
        "大火烧开以后，把浮沫轻轻撇干净，再转成小火，让它自己咕嘟咕嘟地唱歌。"
        "这时候你可以坐下来读几页书，或者给老朋友打个电话。"
        "我爷爷煮汤从来不看钟，他只闻一闻，就知道还差多少时候。"
        "他常说，火候就像说话，快了不行，慢了也不行，要让人听着舒服。"
        "出锅之前撒一小撮盐，尝一口，哎呀，真鲜！"
        "盛汤的碗最好先用热水烫一下，这样端到桌上，全家人都坐齐了，汤还是滚烫的。"
        "来，小心别烫着嘴，慢慢喝。"
    ),
)

_SCRIPTS = (CHINESE, TRAIN, SOUP, ENGLISH, STATION, GARDEN)


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
