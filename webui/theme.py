"""One calm look: system fonts (nothing is downloaded), warm paper, one green, room to breathe."""

from __future__ import annotations

from pathlib import Path

from gradio.themes import Base
from gradio.themes.utils import colors, fonts, sizes

CSS_FILES = [Path(__file__).parent / name for name in ("style.css", "record.css")]
_SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_GREEN = colors.Color(
    name="pine",
    c50="#eef7f6",
    c100="#d7ecea",
    c200="#b0d9d5",
    c300="#7fbfba",
    c400="#489d98",
    c500="#23807c",
    c600="#0f6e6e",
    c700="#0c5959",
    c800="#0b4747",
    c900="#0a3a3b",
    c950="#052425",
)


def theme() -> Base:
    """The theme of every page. Contrast of text on its ground is at least 4.5 to 1 in light and dark."""
    look = Base(
        primary_hue=_GREEN,
        secondary_hue=_GREEN,
        neutral_hue=colors.stone,
        spacing_size=sizes.spacing_lg,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=[fonts.Font(name) for name in _SANS],
        font_mono=[fonts.Font(name) for name in _MONO],
    )
    return look.set(
        body_background_fill="#faf8f5",
        body_background_fill_dark="#171614",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#201e1c",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_background_fill="#ffffff",
        input_background_fill_dark="#262422",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_border_width="1px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#2b2926",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_large_text_weight="600",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
