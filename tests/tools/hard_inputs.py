"""Three hundred inputs that speech models stumble over: (kind, language, text)."""

from __future__ import annotations

import random
from itertools import product

Input = tuple[str, str, str]

_LETTERS = "A B C D E F G H J K L M N O Q R S T X Z".split()
_SHORT_EN = "Yes. No. Go! Stop! OK Why? Hi. Thanks. Never. Seven. Twelve. Sorry. Please. Wait! Good.".split()
_SHORT_ZH = "嗯 好 是 对 不 行 喂 谢谢 你好 再见 没有 可以 走吧 真的？ 等等".split()
_NUMBERS = ["7", "42", "365", "1984", "3.14", "50%", "$5", "12:30", "2,048", "1/2"]
_TWISTERS = [
    "She sells sea shells by the sea shore, and the shells she sells are sea shells, I am sure.",
    "Peter Piper picked a peck of pickled peppers.",
    "How much wood would a woodchuck chuck if a woodchuck could chuck wood?",
    "Red lorry, yellow lorry, red lorry, yellow lorry.",
    "Six sick hicks nick six slick bricks with picks and sticks.",
    "A proper copper coffee pot stood on the top shelf.",
    "Unique New York, you know you need unique New York.",
    "The sixth sheikh's sixth sheep is sick.",
    "Fresh fried fish, fish fresh fried, fried fish fresh, fish fried fresh.",
    "I saw Susie sitting in a shoe shine shop.",
]
_TWISTERS_ZH = [
    "四是四，十是十，十四是十四，四十是四十。",
    "吃葡萄不吐葡萄皮，不吃葡萄倒吐葡萄皮。",
    "八百标兵奔北坡，炮兵并排北边跑。",
    "红凤凰，黄凤凰，粉红凤凰花凤凰。",
    "黑化肥发灰，灰化肥发黑。",
    "牛郎恋刘娘，刘娘念牛郎。",
    "妈妈骑马，马慢，妈妈骂马。",
    "石室诗士施氏，嗜狮，誓食十狮。",
    "扁担长，板凳宽，扁担没有板凳宽，板凳没有扁担长。",
    "老龙恼怒闹老农，老农恼怒闹老龙。",
]
_AGAIN = ["very", "far", "never", "no", "slowly", "again"]
_AGAIN_ZH = ["慢慢", "好", "一天", "非常", "来"]
_LISTS = [
    "Apples, pears, plums, cherries, grapes, lemons, figs, and dates.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday.",
    "Red, red, blue, red, blue, blue, green.",
    "Bread, milk, eggs, salt; butter, flour, rice; tea, coffee, sugar.",
    "January the first, February the second, March the third, April the fourth.",
    "A, B, C, D, E, F, G.",
    "North, south, east, and west, and north again.",
]
_LISTS_ZH = [
    "苹果、梨、桃子、葡萄、西瓜、香蕉。",
    "一、二、三、四、五、六、七、八、九、十。",
    "星期一、星期二、星期三、星期四、星期五。",
    "红的、黄的、蓝的、绿的、白的、黑的。",
    "东南西北，上下左右，前后里外。",
    "春天、夏天、秋天、冬天，又是春天。",
]
_LONG = [
    "The captain walked slowly along the harbour wall while the rain came down in sheets and nobody who saw him there "
    "would have guessed that he had lost his ship",
    "When the letter finally came it said nothing about the money or the house or the horses but only that the old "
    "woman had asked for him twice before she fell asleep",
    "If you take the second road on the left and then keep going past the mill until you reach the bridge you will "
    "find the doctor in the yellow house behind the church",
    "Although the engine had been repaired twice that summer it stopped again in the middle of the bridge and we had "
    "to push the car all the way to the village",
    "There is a kind of silence in the mountains that people from the city take for emptiness until they have heard "
    "how many small sounds live inside it",
    "My brother who never liked to write sent me a card from every town that he came through with only the name of "
    "the town on it",
]
_LONG_ZH = [
    "我们沿着河边一直走到天黑才发现原来那座桥早就已经被去年夏天的大水冲走了",
    "老师说只要每天早上坚持读二十分钟的书一年以后就会看到很大的变化",
    "他把钥匙放在桌子上面的蓝色盒子里然后关好窗户和门就一个人去了车站",
    "那天晚上雪下得很大街上一个人也没有只有路口的小店还亮着灯",
    "因为飞机晚点了三个小时所以我们到达酒店的时候餐厅已经关门了",
    "爷爷年轻的时候在海上工作过很多年他讲的故事我们怎么也听不够",
]
_NAMES = ("Mr. Fitzgerald", "Dr. Okonkwo", "Siobhan", "Nguyen", "Wojciech", "Ms. Delacroix")
_DEEDS = ("arrived at 7:45 a.m. on May 3rd, 1998.", "paid $1,249.99 for room 308B.", "called twice about No. 12.")
_MIXED = [
    "我今天用Python写了一个小程序。",
    "请把这个PPT发给我，谢谢。",
    "他在Google工作了三年。",
    "这件T恤打五折，只要99元。",
    "明天下午3点我们在Zoom上开会。",
    "他说OK，没问题。",
    "这个APP的Wi-Fi设置在哪里？",
    "请打开Word文件，然后按Enter键。",
    "我最喜欢的歌是Yesterday。",
    "她的英文名字叫Alice。",
    "USB接口在电脑的左边。",
    "我们去KTV唱歌吧。",
    "这台iPhone是新的。",
    "CPU的温度是65度。",
    "你看过Harry Potter吗？",
    "Happy birthday，祝你生日快乐！",
    "The word 你好 means hello in Chinese.",
    "She said 谢谢 and walked away.",
    "We ate 饺子 for dinner last night.",
    "His teacher, 王老师, was very kind.",
]
_SPELT = [
    "The FBI and the CIA met at the UN.",
    "Send the PDF to the HR office.",
    "NASA launched it at 5 p.m.",
    "My number is 555 0199.",
    "Flight BA 2490 leaves from gate C7.",
    "Her password is X7 K9 Q2.",
    "It costs 20 to 25 EUR.",
    "Write to info@example.org today.",
    "See www.example.com for more.",
    "The file is called report.txt.",
]
_MARKS = [
    "Wait... what? No! Really?!",
    '"Come in," he said, "and close the door."',
    "It was (as far as we know) the last one.",
    "Well - if you must - go ahead.",
    "Yes; no; perhaps: who knows?",
    "So -- that was it, then.",
    "'Tis a pity, isn't it?",
    "Rock 'n' roll, y'all!",
    "Oh! Ah! Hm, well.",
    "One... two... three!",
]
_MARKS_ZH = [
    "等一下……什么？",
    "“进来，”他说，“把门关上。”",
    "他（据说）是最后一个。",
    "是；不是；也许：谁知道呢？",
    "好——就这样吧！",
]
_PLAIN = [
    "The harvest was poor in the whole valley.",
    "Nobody had told them about the storm.",
    "What shall we do about the old house?",
    "The children ran across the wet grass.",
    "Please put the key back under the stone.",
    "It takes two hours to walk around the lake.",
    "The judge asked the same question again.",
    "All the windows were open that night.",
    "You could hear the train long before you saw it.",
    "There were three boats and only two men.",
]
_PLAIN_ZH = [
    "今天天气很好，我们一起去公园散步吧。",
    "他每天早上七点钟起床。",
    "这本书我已经看了三遍了。",
    "请把门关上，外面太冷了。",
    "孩子们在院子里玩得很开心。",
    "下个星期我要去北京出差。",
    "妈妈做的饭最好吃。",
    "图书馆晚上九点关门。",
    "火车还有十分钟就要开了。",
    "他的中文说得非常流利。",
]
_COUNTED = ("3 cats", "21 dogs", "104 boxes", "1,500 trees")
_COUNTED_ZH = (
    "一万两千三百四十五个人",
    "上午十点半",
    "第三次世界大战",
    "三百二十五块钱",
    "2008年8月8日",
    "第十七页",
    "电话是13812345678",
    "气温零下五度",
    "百分之六十",
)
_PLACES = ("in the garden", "by the river", "at the end of the long road", "under the bridge", "on the roof")


def hard_inputs() -> list[Input]:
    """All of them, in an order that mixes the kinds, so that any first part is a fair one."""
    every: list[Input] = []
    for kind, language, texts in (
        ("letter", "en", _LETTERS),
        ("short", "en", _SHORT_EN),
        ("short", "zh", _SHORT_ZH),
        ("number", "en", _NUMBERS),
        ("number", "zh", [f"一共{n}。" for n in _COUNTED_ZH]),
        ("twister", "en", _TWISTERS),
        ("twister", "zh", _TWISTERS_ZH),
        ("again", "en", [f"It was {w}, {w}, {w} {w} late." for w in _AGAIN]),
        ("again", "en", [f"{w.capitalize()} {w} {w} {w} {w}." for w in _AGAIN]),
        ("again", "zh", [f"{w}{w}{w}地走。" for w in _AGAIN_ZH] + [f"{w}，{w}，{w}，{w}。" for w in _AGAIN_ZH]),
        ("list", "en", _LISTS),
        ("list", "zh", _LISTS_ZH),
        ("long", "en", _LONG),
        ("long", "zh", _LONG_ZH),
        ("names", "en", [f"{name} {deed}" for name, deed in product(_NAMES, _DEEDS)]),
        ("mixed", "mixed", _MIXED),
        ("spelt", "en", _SPELT),
        ("marks", "en", _MARKS),
        ("marks", "zh", _MARKS_ZH),
        ("plain", "en", _PLAIN),
        ("plain", "zh", _PLAIN_ZH),
        ("plain", "en", [f"We counted {n} {place}." for n, place in product(_COUNTED, _PLACES)]),
        ("two", "en", [f"{a} {b}" for a, b in zip(_SHORT_EN, _PLAIN, strict=False)]),
        ("two", "zh", [f"{a}。{b}" for a, b in zip(_SHORT_ZH, _PLAIN_ZH, strict=False)]),
        ("after", "en", [f"{b} {a}" for a, b in zip(_SHORT_EN[5:], _PLAIN, strict=False)]),
        ("after", "zh", [f"{b}{a}。" for a, b in zip(_SHORT_ZH[5:], _PLAIN_ZH, strict=False)]),
        ("question", "en", [f"Did you say that {text[0].lower()}{text[1:-1]}?" for text in _PLAIN]),
        ("question", "zh", [f"你是说{text[:-1]}吗？" for text in _PLAIN_ZH]),
    ):
        every += [(kind, language, text) for text in texts]
    random.Random(0).shuffle(every)
    return every
