# ruff: noqa: E501
"""Units of measure as Chinese reads them after a number, and measure words before which 2 is 两."""

from __future__ import annotations

from functools import cache

from gpt_sovits.text.data import table

UNIT_NAMES = {
    "km/h": "千米每小时", "km/s": "千米每秒", "m/s²": "米每二次方秒", "m/s": "米每秒", "m/min": "米每分钟",
    "km²": "平方千米", "km2": "平方千米", "m²": "平方米", "m2": "平方米", "cm²": "平方厘米", "cm2": "平方厘米",
    "mm²": "平方毫米", "mm2": "平方毫米", "km³": "立方千米", "m³": "立方米", "m3": "立方米", "cm³": "立方厘米",
    "cm3": "立方厘米", "mm³": "立方毫米", "g/L": "克每升", "mg/L": "毫克每升", "mmol/L": "毫摩尔每升", "μmol/L": "微摩尔每升", "umol/L": "微摩尔每升", "nmol/L": "纳摩尔每升",
    "mg/dL": "毫克每分升", "U/L": "单位每升", "L/100km": "升每百公里", "g/dL": "克每分升", "ng/mL": "纳克每毫升", "g/cm³": "克每立方厘米",
    "kg/m³": "千克每立方米", "μg/m³": "微克每立方米", "km": "千米", "dm": "分米", "cm": "厘米", "mm": "毫米",
    "μm": "微米", "um": "微米", "nm": "纳米", "m": "米", "kg": "千克", "mg": "毫克", "μg": "微克", "ug": "微克",
    "g": "克", "t": "吨", "lb": "磅", "oz": "盎司", "L": "升", "l": "升", "mL": "毫升", "ml": "毫升", "ML": "毫升",
    "h": "小时", "min": "分钟", "s": "秒", "ms": "毫秒", "μs": "微秒", "us": "微秒", "ns": "纳秒", "ha": "公顷",
    "dB": "分贝", "db": "分贝", "DB": "分贝", "Hz": "赫兹", "hz": "赫兹", "kHz": "千赫兹", "KHz": "千赫兹",
    "MHz": "兆赫兹", "GHz": "吉赫兹", "W": "瓦", "w": "瓦", "kW": "千瓦", "KW": "千瓦", "kw": "千瓦", "MW": "兆瓦",
    "kWh": "千瓦时", "V": "伏", "v": "伏", "kV": "千伏", "mV": "毫伏", "mA": "毫安", "mAh": "毫安时", "MAH": "毫安时",
    "Ω": "欧姆", "kΩ": "千欧", "Pa": "帕", "kPa": "千帕", "MPa": "兆帕", "hPa": "百帕", "mmHg": "毫米汞柱", "N": "牛", "J": "焦耳",
    "kJ": "千焦", "cal": "卡", "kcal": "千卡", "mol": "摩尔", "mph": "英里每小时", "rpm": "转每分钟", "ft": "英尺",
    "℃": "度", "°C": "度", "℉": "华氏度", "°F": "华氏度", "°": "度", "K/s": "K每秒", "bpm": "拍每分钟", "ppm": "百万分之一",
    "Mbps": "兆比特每秒", "Gbps": "吉比特每秒", "Kbps": "千比特每秒", "kbps": "千比特每秒", "fps": "帧每秒",
    "inch": "英寸", "RMB": "人民币", "CNY": "人民币", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "HKD": "港元", "px": "像素", "km²/s": "平方千米每秒",
}  # fmt: skip

# Words after which a number is an ordinal or a name, so 2 stays 二.
ORDINAL_NOUNS = "月日号楼班路栋世级线幢期版排季"

EXTRA_MEASURES = (
    "公里 公斤 公顷 公尺 公分 厘米 毫米 千米 分米 微米 纳米 千克 毫克 毫升 平方米 平方公里 平方千米 立方米 英里 英尺 英寸 海里 "
    "光年 小时 分钟 秒钟 点钟 星期 礼拜 个月 年级 人次 人份 元钱 块钱 毛钱 美元 欧元 英镑 日元 港元 港币 人民币 卢布 韩元 加元 "
    "澳元 台币 万 亿 千万 百万 万亿 倍 折 度 档 级 届 期 站 遍 次 顿 声 步 圈 轮 局 盘 门 滴 串 束 排 版 种 样 类 票 字 句 章 节 "
    "集 部 则 份 辆 架 艘 团 队 组 班 伙 帮 路 号 楼 票 成 摄氏度 华氏度 赫兹 千瓦 瓦 伏 安 兆 磅 盎司 加仑 岁 周年 周岁 秒 枪 拳 "
    "脚 刀 眼 口 针 页 行 列 款 员 名 代 辈 道 颗 粒 吨 升 斤 里 亩 词条 词 步 毫秒 多 克 汤匙 茶匙 大勺 小勺 瓣 撮 捧"
).split()


@cache
def measures() -> tuple[str, ...]:
    """Measure words, longest first."""
    words = {*table("zh")["measures"], *EXTRA_MEASURES}
    return tuple(sorted(words, key=len, reverse=True))
