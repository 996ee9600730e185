# ruff: noqa: E501
"""Words and names whose reading the phrase dictionary lacks or gives wrongly; lines of old poems that everybody knows."""

from __future__ import annotations

_TABLE = (
    # words
    "重重地 zhong4 zhong4 de5|查重 cha2 chong2|罗布泊 luo2 bu4 po1|断发 duan4 fa4|说客 shui4 ke4|葛巾 ge2 jin1|相国 xiang4 guo2|相府 xiang4 fu3|落下 luo4 xia4|被落下 bei4 la4 xia4|落下功课 la4 xia4 gong1 ke4|阴阳五行 yin1 yang2 wu3 xing2|五行学说 wu3 xing2 xue2 shuo1|五行相生 wu3 xing2 xiang1 sheng1|当前行 dang1 qian2 hang2|命令行 ming4 ling4 hang2|运转 yun4 zhuan3|当当网 dang1 dang1 wang3|为着 wei4 zhe5|兜兜转转 dou1 dou1 zhuan4 zhuan4|温差 wen1 cha1|落差 luo4 cha1|高差 gao1 cha1|时差 shi2 cha1|反差 fan3 cha1|偏差 pian1 cha1|率部 shuai4 bu4|眩晕 xuan4 yun4|质朴 zhi4 pu3|简朴 jian3 pu3|"
    "俭朴 jian3 pu3|褪去 tui4 qu4|褪色 tui4 se4|玄参 xuan2 shen1|丹参 dan1 shen1|党参 dang3 shen1|后燕 hou4 yan1|南燕 nan2 yan1|北燕 bei3 yan1|前燕 qian2 yan1|都市 du1 shi4|肚子 du4 zi5|挑起 tiao3 qi3|薄膜 bo2 mo2|挣脱 zheng4 tuo1|扛鼎 gang1 ding3|翘曲 qiao2 qu1|夹克 jia1 ke4|参将 can1 jiang4|左氏传 zuo3 shi4 zhuan4|"
    "莫干山 mo4 gan1 shan1|长葛 chang2 ge3|埃塞俄比亚 ai1 sai4 e2 bi3 ya4|刘少奇 liu2 shao4 qi2|任弼时 ren2 bi4 shi2|斗拱 dou3 gong3|斗栱 dou3 gong3|啦啦队 la1 la1 dui4|大月氏 da4 yue4 zhi1|吐鲁番 tu3 lu3 fan1|浚县 xun4 xian4|涡阳 guo1 yang2|洪洞 hong2 tong2|洪洞县 hong2 tong2 xian4|单县 shan4 xian4|"
    "会稽 kuai4 ji1|张掖 zhang1 ye4|阆中 lang4 zhong1|黄陂 huang2 pi2|高句丽 gao1 gou1 li2|阏氏 yan1 zhi1|尼泊尔 ni2 bo2 er3|"
    "阿塞拜疆 a1 sai4 bai4 jiang1|塞尔维亚 sai4 er3 wei2 ya4|哈佛 ha1 fo2|缪斯 miu4 si1|塞缪尔 sai4 miu4 er3|弹窗 tan2 chuang1|"
    "弹框 tan2 kuang4|还款 huan2 kuan3|还贷 huan2 dai4|意识 yi4 shi2|潜意识 qian2 yi4 shi2|唢呐 suo3 na4|声呐 sheng1 na4|"
    "酒吧 jiu3 ba1|网吧 wang3 ba1|贴吧 tie1 ba1|氧吧 yang3 ba1|吧台 ba1 tai2|冷轧 leng3 zha2|轧制 zha2 zhi4|轧钢 zha2 gang1|"
    "颈椎 jing3 zhui1|腰椎 yao1 zhui1|脊椎 ji3 zhui1|茄科 qie2 ke1|脯氨酸 fu3 an1 suan1|吡咯 bi3 luo4|华罗庚 hua4 luo2 geng1|"
    "朴树 pu3 shu4|朴素 pu3 su4|葛优 ge3 you1|万俟 mo4 qi2|尉迟 yu4 chi2|薄荷 bo4 he5|姓单 xing4 shan4|姓查 xing4 zha1|"
    "姓仇 xing4 qiu2|什么 shen2 me5|结果实 jie1 guo3 shi2|朝鲜 chao2 xian3|撒切尔 sa4 qie4 er3|挑剔 tiao1 ti4|圈养 juan4 yang3|得亏 dei3 kui1|粘结 zhan1 jie2|不粘锅 bu4 zhan1 guo1|行尾 hang2 wei3|行首 hang2 shou3|行数 hang2 shu4|行号 hang2 hao4|身处 shen1 chu3|所处 suo2 chu3|干嘛 gan4 ma2|干吗 gan4 ma2|"
    "为人 wei2 ren2|嘚瑟 de4 se5|幸免于难 xing4 mian3 yu2 nan4|行长 hang2 zhang3|晒干 shai4 gan1|大夫 dai4 fu5|"
    "重庆 chong2 qing4|盛饭 cheng2 fan4|弹吉他 tan2 ji2 ta1|弹钢琴 tan2 gang1 qin2|银行行长 yin2 hang2 hang2 zhang3|"
    "着凉 zhao2 liang2|乌拉草 wu4 la5 cao3|乡长 xiang1 zhang3|总得 zong3 dei3|非得 fei1 dei3|必得 bi4 dei3|旋风 xuan4 feng1|"
    "中肯 zhong4 ken3|厚薄 hou4 bao2|撩水 liao1 shui3|果实累累 guo3 shi2 lei2 lei2|硕果累累 shuo4 guo3 lei2 lei2|"
    "罪行累累 zui4 xing2 lei3 lei3|厦大 xia4 da4|荷枪 he4 qiang1|查账 cha2 zhang4|入行 ru4 hang2|休憩 xiu1 qi4|长男 zhang3 nan2|宝贝儿 bao3 bei4 er4|"
    # places
    "筠连 jun1 lian2|荥经 ying2 jing1|乐陵 lao4 ling2|乐亭 lao4 ting2|繁峙 fan2 shi4|大城县 dai4 cheng2 xian4|"
    "天台县 tian1 tai1 xian4|天台山 tian1 tai1 shan1|六合区 lu4 he2 qu1|余干县 yu2 gan1 xian4|漯河 luo4 he2|宕昌 tan4 chang1|"
    "葵涌 kui2 chong1|东涌 dong1 chong1|鲗鱼涌 zei2 yu2 chong1|麻涌 ma2 chong1|穆棱 mu4 ling2|绥棱 sui1 ling2|珲春 hun2 chun1|"
    "桦甸 hua4 dian4|宽甸 kuan1 dian4|婼羌 ruo4 qiang1|伽师 jia1 shi1|大宛 da4 yuan1|华阴 hua4 yin1|华县 hua4 xian4|"
    "都匀 du1 yun2|青藏 qing1 zang4|川藏 chuan1 zang4|进藏 jin4 zang4|藏传 zang4 chuan2|幽燕 you1 yan1|"
    "阳翟 yang2 di2|"
    # people
    "伍员 wu3 yun2|皋陶 gao1 yao2|仆射 pu2 ye4|查海生 zha1 hai3 sheng1|查良铮 zha1 liang2 zheng1|解海龙 xie4 hai3 long2|"
    "区楚良 ou1 chu3 liang2"
)
_LINES = (
    "服务 fu2 wu4|干扰 gan1 rao3|查重清 cha2 chong2 qing1|行行出状元 hang2 hang2 chu1 zhuang4 yuan2|曲项 qu1 xiang4|异乡为异客 yi4 xiang1 wei2 yi4 ke4|为伊 wei4 yi1|石径斜 shi2 jing4 xie2|将进酒 qiang1 jin4 jiu3|"
    "呼儿将出 hu1 er2 jiang1 chu1|还复来 huan2 fu4 lai2|空气炸 kong1 qi4 zha2|条目的 tiao2 mu4 de5|还来就菊花 huan2 lai2 jiu4 ju2 hua1|嘛事 ma2 shi4|江陵一日还 jiang1 ling2 yi2 ri4 huan2|空余黄鹤楼 kong1 yu2 huang2 he4 lou2|"
    "千载空悠悠 qian1 zai3 kong1 you1 you1|还酹江月 huan2 lei4 jiang1 yue4|千堆雪 qian1 dui1 xue3|传不习乎 chuan2 bu4 xi2 hu1|"
    "为人谋 wei4 ren2 mou2|好之者 hao4 zhi1 zhe3|乐之者 le4 zhi1 zhe3|乐山者 yao4 shan1 zhe3|"
    "见义不为 jian4 yi4 bu4 wei2|有所不为 you2 suo3 bu4 wei2|无为而治 wu2 wei2 er2 zhi4|不舍昼夜 bu4 she3 zhou4 ye4|夫子 fu1 zi3|"
    "吾十有五 wu2 shi2 you4 wu3|塞上 sai4 shang4|塞翁 sai4 weng1|空山新雨 kong1 shan1 xin1 yu3|"
    "行行重行行 xing2 xing2 chong2 xing2 xing2|朝发白帝 zhao1 fa1 bai2 di4|朝朝 zhao1 zhao1"
)


def _parsed(table: str) -> dict[str, tuple[str, ...]]:
    return {word: tuple(pinyin) for word, *pinyin in (entry.split() for entry in table.split("|"))}


WORDS = _parsed(_TABLE)  # where they are words of their own
LINES = _parsed(_LINES)  # anywhere
