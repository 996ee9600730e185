# ruff: noqa: E501
"""Readings of characters that have several, from their neighbours.

The phrase dictionary knows words; these rules are for what stands between words: a verb of one character, a
measure word, a surname before a title. A row says: this character is read so when the text before it matches the
first pattern (at its end) and the text after it the second (at its start). The first row that fits wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from gpt_sovits.text.zh_phrases import LINES, WORDS
from gpt_sovits.text.zh_words import Token

_NUMERAL = "[一二两三四五六七八九十百千几每这那哪第各某半数多]"
_PRONOUN = "(?:我|你|您|他|她|它|咱|谁|大家|人家)"
_TITLE = "(?:小姐|先生|女士|太太|老师|经理|总|医生|大夫|教授|主任|队长|同学|博士|院长|校长|局长|部长|师傅|律师|阿姨|叔叔|老板|某|家(?!人|里))"
_DEGREE = "(?:很|太|好|挺|真|最|更|极|非常|特别|十分|比较|相当|越来越|越|不|够|多|那么|这么|有点儿?|又)"

_PURPOSE = (
    "营造|避免|防止|确保|保证|保障|促进|提高|满足|纪念|庆祝|实现|解决|加强|推动|方便|便利|配合|争取|改善|维护|求|获得|达到|达成|响应|应对|打造|吸引|减少|增加|扩大|适应"
    "|补充|支持|保护|寻找|寻求|筹|表彰|抗议|躲避|逃避|赢得|赚|救|报仇|报答|祝贺"
)
_FOR = (
    "提供|服务|带来|奠定|创造|做出|作出|做好|打下|准备|考虑|着想|喝彩|庆祝|担心|祈祷|献出|献上|奋斗|效力|效劳|治疗|操办|求情|辩护|操心|骄傲|自豪|发愁|高兴|买单|加油|报仇"
    "|送行|接风|代言|配音|作曲|作词|填词|撰写|开办"
)

# character, reading, before, after
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("行", "xing2", "一$", "(?=[零一二两三四五六七八九十百几数]+(?:余|多)?(?:人|名|位)|(?:人|于|将|先后|随后|抵达|抵|到达|前往|来到|来访|访问|访华|参观|应邀|应|莅临|离开|乘|飞抵|启程|受到|考察|赴)(?!字))"),
    ("行", "hang2", _NUMERAL + "$", "(?!人|为|动|走|程|李|政|驶|吗|吧|呢|啊|了|不行|[，。！？,.!?])"),
    ("行", "hang2", "(?:同|各|本|这|那|哪|改|内|外|懂|入|干一|换|排成一?|站成一?|分)$", "(?=$|[的了，。！？,.!?长业家])"),
    ("行", "hang2", "(?:在|到|去|回)$", "(?=里|上班|办)"),
    ("行", "hang2", "(?:银|央|投|商|总|分|支|发卡|开户)$", ""),
    ("长", "chang2", "[车楼船桌室]$", "(?=约|为|达|[零一二两三四五六七八九十百千点]+(?:米|厘|公|千))"),
    ("长", "chang2", "[这那一两几每某](?:段|篇|条|首|部|节|根|张|封|排|串)$", "(?!了)"),
    ("长", "zhang3", "", "(?=了(?:一|两|几|许多|不少|很多|好多|好几)?(?:颗|个(?!月|小时)|根|株|棵|片|双|身|张|条|头|层|脸|对|只|痘|草|虫|毛|胡|皱纹|疹|斑|白发|见识|记性))"),
    ("长", "zhang3", "", "(?=长了|歪了|胖了|个儿|势)"),
    ("长", "chang2", "长$", "(?=了)"),
    ("长", "zhang3", "越$", "(?=越)"),
    ("长", "chang2", "", "(?=出一口气|大衣)"),
    ("长", "zhang3", "", "(?=得|出|到(?!期)|男|孙|房|老|大(?!度)|高|成|满|胖|在|着|草|毛|个子|相|辈|势|进|姐|兄|子|女|老|官)"),
    ("长", "zhang3", "(?:园|旅|车|郡|室|厅|盟|旗|族|尊|记|探|警|狱|帮|堂|楼|栋|群|桌|舍|校|班|乡|镇|村|区|首|酋|议|舰|机|馆|所|司|署|庭|检察|秘书|参谋|市|县|省|部|局|院|队|组|家|船|会|社|店|厂|站|处|科|团|连|排|营|师|军|董事|生|成|增|助|滋|行)$", ""),
    ("长", "chang2", _DEGREE + "$", ""),
    ("长", "chang2", "(?:米|里|尺|寸|丈|全|身|细|狭|漫|延|拉|伸|加|周|边|变|绵|修|这般|如此|天|年|月|时)$", ""),
    ("长", "chang2", "", "(?=的|了(?:一|两|几|许|些|点|不)|达|度|短|途|期|久|发|裙|裤|袖|江|城|跑|假|椅|桌|龙|约|为|\\d|[零一二两三四五六七八九十百千万点]+(?:米|厘|公|千|尺|英|毫|里|丈|光))"),
    ("长", "chang2", "", ""),
    ("得", "de2", "(?:[我你他她它们]|谁|孩子|人)$", "(?=(?:了|过)(?:[一-龥]{0,3}(?:病|炎|癌|症|奖|分|冠军)|感冒|流感|肺|糖尿|抑郁)|的(?!$|很|太|真))"),
    ("得", "dei3", "(?:前|后|就|还|都|点)$", "(?=到(?:家|公司|学校|机场|车站|单位|站|场|岗))"),
    ("得", "de5", "[做看听找办想吃买说写学跑够拿叫走达猜见记抓摸闻感]$", "(?=到)"),
    ("得", "de2", "", "(?=到)"),
    ("得", "de2", "^(?:我|你|他|她)$", "(?=的是)"),
    ("得", "dei3", "(?:总|还|就|可|非|必|都|也|准|只|得|你|我|他|她|咱|们|药|事)$", "(?=去|来|走|看|做|想|吃|等|靠|先|要|把|给|说|问|买|找|学|在|饭|早|晚|马上|赶|好好|多|有|让|用|回|上|下|小心|注意|赶紧|赶快|自己|再|每|按|跟|请)"),
    ("得", "de2", "(?:^|我|你|他|她|它|们|谁|者|人|队|获|取|赢|夺|难|不|该|荣|瓜|豆|已|曾|将|刚|[，。！？,.!?])$", "(?=了|过|到|第|奖|病|冠|亚|分|罪|胜|逞|宠|势|手|主|[一二两三四五六七八九十百\\d]|瓜|豆|失)"),
    ("为", "wei2", "(?:沦|贬|升格|当选|解释|描述|定义|译|判|列|认定|宣布|命名|转|转变|调整|更名|改名|身|意|折合|合计|共计|总计|分别|年龄|主任|现|本|原|皆|均|多|仍|仅|已|应|选|评|称|视|改|变|分|定|设|命|译|名|誉|化|升|列|认|封|立|尊|奉|扮|约|均|即|则|实|别|成|作|以)$", "(?!了|什么|何|此)"),
    ("为", "wei2", "以[^，]{1,8}$", "(?!了|此|何)"),
    ("为", "wei4", "(?:^|[，。是要会能可想在将就都也曾正专特])$", f"(?={_PURPOSE})"),
    ("为", "wei4", "", f"(?=[^是，]{{1,10}}(?:{_FOR})|(?:所有|{_PRONOUN}|祖国|人民|大家|孩子|自己|爱好者|读者|用户|客户|群众|社会|老百姓))"),
    ("为", "wei4", "", f"(?={_PRONOUN}|何|此|了|什么|啥|祖国|人民|国|大家|孩子|自己)"),
    ("为", "wei2", "知之?$", "(?=知之|不知)"),
    ("为", "wei2", "", "(?=人(?:很|正|善|谦|和|处|师|父|母|低|友|忠|厚|直|大|热|老|不)|首|主|例|准|期|止|难|生|数|伍|非|所|时|王|妻|夫|证|业|\\d)"),
    ("弹", "tan2", "(?<![子炮导原飞枪核])$", "(?=窗|框|了|回|射|走|幕上|琴|吉他|钢琴|奏|唱|曲|琵琶|古筝|棉|性|力|跳|簧|了一|得|着|起|出|开|射|指|劾|一)"),
    ("干", "gan1", "[晒晾烘吹擦烤风饼枯拧榨抽喝阴沥焙豆葡萄牛肉鱼萝卜笋果]$", ""),
    ("干", "gan1", "(?:很|太|口|有点|皮肤|嘴|发|好|更|最|不|天气|空气)$", "(?=$|[了的，。！？,.!?燥])"),
    ("干", "gan1", "(?:衣服|头发|地面?|毛巾|油漆|水|河|被子|袜子|鞋子?|裤子?|嘴唇|眼泪|床单|泥|胶水?|颜料|手|纸|布|伞)(?:都|也|快|已经|全|还没|没有?|刚|一)?$", "(?=$|了(?!什么|啥|一|两|几|多|很|件|活|坏)|透|掉|得快|的(?!好|不))"),
    ("干", "gan4", "", "(?=活|什么|啥|得|过|完|劲|部|嘛|吗|事|一番|一场|了一|下去|大|农活)"),
    ("的", "di1", "打$", "(?=去|回(?!忆|答)|过去|过来|来(?!回)|走|上班)"),
    ("扎", "za1", "(?:头发|辫子?|马尾|发|丝带|绳|捆|包|结)$", ""),
    ("扎", "za1", "", "(?=起来?|辫|马尾|头发|蝴蝶|成|着辫|着马|了个辫|两条)"),
    ("中", "zhong4", "[打击猜看选命说射抽押切投考料撞言相]$", "(?!间|心|央|国|学)"),
    ("中", "zhong4", "", "(?=了|奖|枪|弹|毒|计|标|彩|签|暑|风(?!格)|邪|意|招|靶|过奖)(?!了?解)"),
    ("盛", "cheng2", "", "(?=了|饭|汤|水|菜|满|着|一|上|在|到|出|过|碗|粥|酒|放|进|起|不下|得下)"),
    ("种", "zhong4", "(?:播|栽|耕|接|移|抢|补|种植)$", ""),
    ("种", "zhong4", "(?<![一二两三四五六七八九十几每这那哪第各某半数多物品人变])$", "(?=在|了|着|花|树|菜|地|田|瓜|豆|下|上|满|过|植|草|粮|稻|麦|玉米|棉|水稻|庄稼|些|几|得|一[棵株片点])"),
    ("还", "huan2", "", "(?=书|钱|债|给|清|款|回来|回去|掉|完|上(?!有|没)|账|贷|礼|原|击|手|本(?!来)|了)"),
    ("还", "huan2", "(?:没|要|来|去|借|归|偿|退|生|奉|必须|忘了|记得|该|能|不)$", f"(?={_PRONOUN}|书|钱|上|清|的|$|[，。！？,.!?])"),
    ("重", "chong2", "", "(?=置|载(?!重|量|物)|试|放|命|设|连|绑|算|读|刷|跑|制|开|估|样|回|现|做|写|来|启|装|修|建|播|拍|申|选|考|复|组|叠|返|排|温|逢|阳|庆|新|审|映|塑|整|置|蹈|演|印|译|归|见|[一]遍)"),
    ("重", "chong2", "[两三四五六七八九十双多层]$", "(?!要|大|量|点|伤|病)"),
    ("重", "zhong4", _DEGREE + "$", ""),
    ("教", "jiao1", "", f"(?={_PRONOUN}|书|会(?=了|我|你|他|她|孩子|学生|大家|人们)|孩子|学生|英语|数学|语文|钢琴|唱|跳|做|写|画|过|得|了|不会|[一二三四五六七八九]年级)"),
    ("好", "hao4", "", "(?=学(?!生|校|习|会|了|历)|客|奇|胜|战|斗|强|色|赌|动|逸|高骛|吃懒|为人|恶|大喜|酒)"),
    ("好", "hao4", "(?:爱|喜|嗜|癖|投其所)$", ""),
    ("觉", "jiao4", "(?:睡|睡了?[一个场大好懒]+|午|懒|一|睡不着|睡着|个)$", "(?!得|悟|醒|察)"),
    ("数", "shu3", "数[了一]$", ""),
    ("数", "shu3", "", "(?=一数|到|着|了|钱|数|不清|不胜|不尽|出|完|一下|过|得着|星星|羊|落|九|一[，、一二])"),
    ("调", "tiao2", "", "(?=了一下|一调|了调)"),
    ("调", "diao4", "(?:被|抽|借|选|外|上|下|征|工作)$", "(?!整|皮|节|和|味|料|解|侃|戏|理|试|控|音|成)"),
    ("调", "diao4", "", "(?=到|来|去|往|任|离|回|走|动|查|度|换|研|配|遣|集|兵|头|令|用|出|入|[一]个人)"),
    ("调", "tiao2", "", "(?=高|低|整|好|大|小|一下|成|味|节|和|皮|料|解|慢|快|亮|暗|音量)"),
    ("差", "chai1", "(?:出|公|交|当|邮|信|钦)$", "(?!错|别|异|不)"),
    ("差", "chai1", "", "(?=遣|使|役)"),
    ("差", "cha4", f"{_DEGREE}$", "(?=$|[了的，。！？,.!?劲])"),
    ("差", "cha4", "", "(?=了|点|一|不多|不了|劲|两|三|几|得|远|多少|十|个)"),
    ("薄", "bao2", f"(?:{_DEGREE}|[，。]|^|穿得|那|层)$", "(?!弱|情|荷|利|命|待|技|膜|礼|暮)"),
    ("倒", "dao4", "", "(?=一?[杯碗盆点些了壶]|水|茶|酒|垃圾|掉|出|进|车|着|是|也|不(?!下|了)|数|影|映|立|退|挂|叙|计时|满|入|转|贴|过来|回|还|挺|有|没)(?!了$|了[，。！？,.!?])"),
    ("倒", "dao3", "[摔跌晕病推打绊击跪拉滑吹压昏撞醉栽躺卧扑]$", ""),
    ("假", "jia4", "(?:放|请|休|度|病|暑|寒|事|年|产|婚|长|春|节|例|销|准|[一二两三四五六七八九十几半\\d]天|个|[年周]的?)$", "(?!如|设|装|的|话|牙|发|冒|货|象|期票)"),
    ("钉", "ding4", "", "(?=在|上|了|住|好|进|死|扣|钉子|着|牢|一)"),
    ("背", "bei1", "", "(?=书包|背包|行囊|篓|筐|着|起|上(?!面|后|的)|包|了|负|孩子|带|黑锅|债|在(?:身|肩|背)|个包|他|她|我|你)(?!景|后)"),
    ("背", "bei4", "", "(?=单词|课文|诗|书|诵|下来|台词|英语|古文|熟|得)"),
    ("划", "hua2", "", "(?=船|桨|破|伤|开|过|了一|一下|拳|着|水|算|不来|得来|火柴|向)"),
    ("量", "liang2", "(?:测|丈|衡|估|打|思|商|度|较|要|来|去|先|给.{0,3})$", "(?=$|一|了|体温|血压|身高|尺寸|过|出|[，。！？,.!?的着])"),
    ("量", "liang2", "", "(?=一下|一量|体温|血压|身高|尺寸|了一?[量下]|体重|腰围|得出)"),
    ("了", "liao3", "[不]$", "(?=$|的|[，。！？,.!?吗吧呢啊了解手多])"),
    ("了", "liao3", "", "(?=解|结|如指|不起|断|然|却|得|事|当|无)"),
    ("着", "zhe5", "地找$", ""),
    ("着", "zhao2", "(?:[睡找猜够点摸逮抓碰用遇见犯买][不得]?)$", "(?=$|了|[，。！？,.!?的吗呢])"),
    ("着", "zhao2", "[睡找猜够点摸逮抓碰用遇犯买][不得]$", ""),
    ("着", "zhao2", "(?:像|都|又|快|也|就|会|要|没|^)$", "(?=了(?:火|魔|凉|迷|慌))"),
    ("着", "zhao2", "(?:火|灯|柴)$", "(?=了|起来|得)"),
    ("着", "zhuo2", "(?:沉|穿|衣|附|执|显|先|身|下|头|脚)$", "(?=应|力|长裙|白|黑|红|地|一身|盛装|便装)"),
    ("着", "zhao2", "", "(?=急|火|凉|迷|魔|慌|地)"),
    ("着", "zhuo2", "", "(?=手|重|装|陆|落|力|色|眼|实|想|称)"),
    ("只", "zhi1", "[一二两三四五六七八九十百千几每这那哪半\\d]$", "(?!有|是|要|能|会|好|不|怕|得|管|可|够|想|因|顾|许|剩|差)"),
    ("炸", "zha2", "", "(?=鸡|鱼|丸|虾|薯|土豆|油条|串|酱|糕|酥|春卷|排|的|得|一?盘|年糕|好吃)"),
    ("炸", "zha2", "(?:油|酥|煎|干)$", ""),
    ("削", "xiao1", "", "(?=皮|苹果|铅笔|掉|好|成|梨|土豆|了|面|水果|个)"),
    ("缝", "feng2", "", "(?=衣|了|好|补|上|起|扣|制|合|纫|被子|针|着|个)"),
    ("缝", "feng4", "(?:裂|门|夹|墙|石|牙|地|眼|窗|指|一条|条|道)$", ""),
    ("扇", "shan1", "", "(?=风|扇子|了|动|耳光|着|他|她|我|你|一下|巴掌)"),
    ("挨", "ai2", "", "(?=打|骂|饿|了|批|揍|冻|罚|宰|整|过)"),
    ("吐", "tu4", "(?:呕|上|要|想|就|恶心得?|晕车)$", "(?=$|了|血|[，。！？,.!?])"),
    ("吐", "tu4", "", "(?=了(?:$|[，。！？,.!?好半])|了一?地|血|奶|得)"),
    ("撒", "sa3", "", "(?=盐|种|上|一?[把点层些]|糖|葱|胡椒|花|了一|在|满|播)"),
    ("卷", "juan4", "(?:试|考|答|问|画|交|案|阅|书|[一二三四五六七八九十上下第两]|各)$", "(?!起|发|纸|入|心)"),
    ("晕", "yun4", "", "(?=车|船|机|针|血|眩)"),
    ("空", "kong4", "", "(?=座|位(?!移)|格|隙|缺|档|余|闲|额|暇|地(?!导弹|勤|对))"),
    ("空", "kong4", "(?:有|没|抽|得|填|留|亏|偷)$", "(?!气|间|调|中|军|前)"),
    ("兴", "xing4", "(?:高|雅|助|扫|尽|即|乘|败|酒|意)$", ""),
    ("应", "ying4", "(?:答|回|反|适|响|相|供|感|呼|对|效|报|接|顺|照|内)$", ""),
    ("应", "ying1", "", "(?=该|当|有尽有|届|付(?!自如))"),
    ("冲", "chong4", "(?:很|太|真|好|有点|味儿?|劲儿?)$", "(?=$|[，。！？,.!?的了])"),
    ("切", "qie1", "(?<![一亲迫密确急热殷恳关])$", "(?=菜|肉|片|丝|块|开|断|成|西瓜|水果|蛋糕|洋葱|土豆|好|了)"),
    ("和", "huo2", "(?:^|[，。在来去会])$", "(?=面(?!前|对|向|试|积|包|条|孔|子|临|貌|部|团))"),
    ("结", "jie1", "(?:树上?|藤上?|枝头|开花)$", "(?=了?果|满|出|籽)"),
    ("冲", "chong4", "", "(?=着|他喊|我喊|我笑|他笑|你来)"),
    ("哄", "hong3", "", "(?=孩子|小孩|宝宝|她|他|我|你|着|睡|骗|得|人)"),
    ("屏", "bing3", "", "(?=住|息|气|除|弃)"),
    ("尽", "jin3", "", "(?=管|量|快|早|可能|先|着)"),
    ("脏", "zang1", "(?<![心内肝肾五脾肺])$", "(?!器|腑|象|躁)"),
    ("脏", "zang4", "(?:心|内|肝|肾|五|脾|肺)$", ""),
    ("脏", "zang1", "(?:很|太|好|弄|更|又|不|别|真|最|有点)$", ""),
    ("转", "zhuan4", "", "(?=圈|了一圈|了几?圈|个圈|来转去|动|悠|盘|速|个不停|晕)"),
    ("转", "zhuan4", "(?:旋|自|公|打|团团|绕着.{0,4}|围着.{0,6})$", "(?!变|身|移|告|换|交)"),
    ("累", "lei3", "(?:积|日积月|连|牵|经年)$", ""),
    ("朝", "zhao1", "", "(?=九晚五|三暮四|夕|辞|闻道|如青丝|露|霞|气|晖|发暮|令夕|思暮|花夕拾|生暮死|阳(?:升|初|冉|似|东))"),
    ("朝", "zhao1", "(?:今|明|有|一|有朝)$", "(?=$|阳|夕|一日|气|霞|[，。])"),
    ("吓", "xia4", "", ""),
    ("任", "ren2", "(?<![一二两三四五六七八九十主委责胜担上下前现信在历离])$", f"(?={_TITLE})"),
    ("仇", "qiu2", "(?<![有报无复记结恩深世寻])$", f"(?={_TITLE})"),
    ("曾", "zeng1", "(?<![未不])$", f"(?={_TITLE}|[国子巩]\\w)"),
    ("曾", "zeng1", "", "(?=祖|孙)"),
    ("单", "shan4", "(?<![简菜名账订清孤买传床被保绩表罚收下开填报凭价工])$", f"(?={_TITLE}|雄)"),
    ("解", "xie4", "(?:^|[姓，。！？,.!?：“老小]|位)$", f"(?={_TITLE})"),
    ("查", "zha1", "(?:^|[姓，。！？,.!?：“老小]|位)$", f"(?={_TITLE})"),
    ("区", "ou1", "(?:^|[姓，。！？,.!?：“老小]|位)$", f"(?={_TITLE})"),
    ("华", "hua4", "(?:^|[姓，。！？,.!?：“老小]|位)$", f"(?={_TITLE}|佗)"),
    ("朴", "piao2", "(?:^|[姓，。！？,.!?：“老小]|位)$", f"(?={_TITLE}|槿)"),
    ("盖", "ge3", "(?:姓|^)$", "(?=先生|小姐|女士|老师|聂)"),
    ("系", "ji4", "(?<![联关体维中语文院学星派嫡母父直旁谱世水])$", "(?=好|上|着|紧|住|鞋带|领带|领结|安全带|围裙|红领巾|扣|蝴蝶结|绳|腰带|围巾|了个)"),
    ("乐", "yue4", "(?:电子|古典|流行|说唱|轻音|打击|民族|舞|军|礼|弹拨|管|爵士|金属)$", "(?!趣|观)"),
    ("乐", "yue4", "", "(?=队|团|器|曲|谱|章|坛|手|评|迷|府|理|句|音)"),
    ("曲", "qu3", "[一两三四五几数首名金神插序组编作谱歌舞乐琴戏]$", "(?!折|线|解|直|面)"),
    ("倒", "dao3", "[砍踹摁撂撞打踢放累绊扳]$", ""),
    ("撇", "pie3", "", "(?=嘴|清|开|横)"),
    ("说", "yue4", "亦$", "(?=乎)"),
    ("省", "xing3", "(?:三|反|自|内|日)$", "(?=吾|$|人事)"),
    ("还", "huan2", "", "(?=款|贷|书)"),
    ("只", "zhi1", "", "(?=身|言片语|字)"),
    ("乐", "yue4", "(?:音|器|奏|民|声|交响|管弦|配|弦|国|爵士|摇滚|姓)$", "(?!园)"),
)  # fmt: skip

_LINES = re.compile(_NUMERAL + "行")

# Listed as words, yet often just two neighbours.
_LOOSE = frozenset(
    (
        "段长",
        "篇长",
        "得了",
        "空位",
        "空座",
        "空座位",
        "不了",
        "长了",
        "中了",
        "只有",
        "一行",
        "调了",
        "吐了",
        "选为",
        "得到",
        "长长",
        "重载",
        "还款",
        "还贷",
        "还书",
        "系好",
        "系上",
        "系着",
    )
)


@dataclass(frozen=True)
class _Rule:
    reading: str
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def fits(self, clause: str, at: int) -> bool:
        if self.before is not None and not self.before.search(clause[max(0, at - 12) : at]):
            return False
        return self.after is None or self.after.match(clause[at + 1 : at + 14]) is not None


@cache
def _rules() -> dict[str, tuple[_Rule, ...]]:
    found: dict[str, list[_Rule]] = {}
    for char, reading, before, after in _ROWS:
        rule = _Rule(reading, re.compile(before) if before else None, re.compile(after) if after else None)
        found.setdefault(char, []).append(rule)
    return {char: tuple(rules) for char, rules in found.items()}


@lru_cache(maxsize=65536)
def is_phrase(word: str) -> bool:
    """Whether the phrase dictionary gives ``word`` a reading."""
    from pypinyin.constants import PHRASES_DICT

    return word in PHRASES_DICT


_SURNAMES = dict(
    zip(
        "单仇解查任翟华朴缪曾区葛冼员秘燕召覃薄逄谌郇应宓折令纪洗尹黑",
        "shan4 qiu2 xie4 zha1 ren2 zhai2 hua4 piao2 miao4 zeng1 ou1 ge3 xian3 yun4 bi4 yan1 shao4 qin2 bo2 pang2 chen2"
        " xun2 ying1 mi4 she2 ling2 ji3 xian3 yin3 he4".split(),
        strict=True,
    )
)
_FOREIGN = re.compile("[尔斯特拉曼姆托夫茨亚伊丝]|^[克德莱蒂普理]")  # 查尔斯 is no Mr. 查
_ONLY_SURNAMES = frozenset("翟缪冼覃谌郇逄")
_TITLED = re.compile(_TITLE)
_AFTER_NAME = re.compile("$|[说写是也来在和与跟的曾为先善唱演画任当出生告问答笑走去做从就又还把被给对及、]")
_NO_NAME = frozenset(
    "任何 任务 任性 任意 任由 任凭 任职 任期 任教 任课 单位 单独 单纯 单身 单日 单月 解释 解决 解答 查询 查看 查找 华人 华语 华为 华裔 曾经 曾在 曾任 应该 应当".split()
)
_BEFORE_NAME = frozenset("c p v u d x".split())


def _surname(clause: str, tokens: Sequence[Token], index: int, at: int) -> str | None:
    """The reading of a character that is a surname here: in a word tagged as a person, before a title, before a name."""
    word, pos = tokens[index]
    reading = _SURNAMES.get(word[0])
    if (
        reading is None
        or word in _NO_NAME
        or _FOREIGN.search(clause[at + 1 : at + 3])
        or is_phrase(word)
        and len(word) > 1
    ):
        return None
    if 2 <= len(word) <= 3 and (pos == "nr" or word[0] in _ONLY_SURNAMES):
        return reading
    if len(word) > 1:
        return None
    before, after = clause[:at], clause[at + 1 : at + 8]
    opens = not before or tokens[index - 1][1][:1] in _BEFORE_NAME
    if before.endswith("姓") or opens and _TITLED.match(after):
        return reading
    following = tokens[index + 1] if index + 1 < len(tokens) else ("", "")
    if opens and following[1] == "nr" and len(following[0]) <= 2:
        return reading
    single = len(following[0]) == 1 and following[1][:1] not in ("u", "p", "m", "d", "r", "c", "y", "f")
    rest = after[2:] if single and index + 2 < len(tokens) and len(tokens[index + 2][0]) == 1 else ""
    return reading if not before and single and rest and _AFTER_NAME.match(rest) else None


_SUBJECT = frozenset("人 事 病 钱 话 货 车 饭 药 菜 书 活 咱 俺 您 谁".split())
_MODAL_BEFORE = frozenset(
    "还 就 都 也 总 必 准 可 先 又 只 才 非 至少 起码 最少 一定 恐怕 大概 估计 毕竟 终究 反正 早晚 迟早 必须".split()
)


def _must(tokens: Sequence[Token], index: int) -> str | None:
    """得 as an auxiliary (你得抓紧, 至少得三天): after a subject or adverb, before a verb, adverb, preposition or number."""
    if not 0 < index < len(tokens) - 1:
        return None
    before, after = tokens[index - 1], tokens[index + 1]
    if after[0][0] in "了过很不的太更最" or before[0] in ("不", "值", "觉", "懒") or before[1][:1] in ("v", "a", "z"):
        return None
    if before[0] in _MODAL_BEFORE or before[1][:1] in ("r", "d", "t") and (len(after[0]) > 1 or after[1][:1] != "n"):
        return "dei3"
    subject = before[1][:1] in ("n", "f", "s") and (len(before[0]) > 1 or before[0] in _SUBJECT)
    return (
        "dei3" if subject and (after[1][:1] in ("v", "d", "p", "l") or after[1] == "m" or len(after[0]) > 3) else None
    )


def _inside(span: tuple[int, int], ends: Sequence[int]) -> bool:
    """Whether no word ends within the span."""
    return not any(span[0] < end < span[1] for end in ends)


@cache
def _anywhere() -> re.Pattern[str]:
    return re.compile("|".join(sorted((*WORDS, *LINES), key=len, reverse=True)))


def choose(clause: str, tokens: Sequence[Token]) -> tuple[dict[int, str], list[int]]:
    """Character index -> pinyin, where the neighbours decide; and the characters that neither they nor a word decide.

    ``tokens``: the words that make up ``clause``.
    """
    chosen: dict[int, str] = {}
    undecided: list[int] = []
    rules = _rules()
    ends: list[int] = []
    at = 0
    for index, (word, _) in enumerate(tokens):
        if len(word) == 1 or word in _LOOSE or _LINES.fullmatch(word) or not is_phrase(word):
            for i, char in enumerate(word):
                rule = next((rule for rule in rules.get(char, ()) if rule.fits(clause, at + i)), None)
                if rule is not None:
                    chosen[at + i] = rule.reading
                else:
                    undecided.append(at + i)
        must = _must(tokens, index) if word == "得" else None
        surname = _surname(clause, tokens, index, at)
        if must or surname:
            chosen[at] = must or surname or ""
        at += len(word)
        ends.append(at)
    starts = {at - len(word) for at, (word, _) in zip(ends, tokens, strict=True)}
    for match in _anywhere().finditer(clause):
        whole = match.start() in starts and match.end() in ends or _inside(match.span(), ends)
        pinyin = LINES.get(match[0]) or (WORDS[match[0]] if whole else ())
        chosen.update((match.start() + i, syllable) for i, syllable in enumerate(pinyin))
    return chosen, [i for i in undecided if i not in chosen]
